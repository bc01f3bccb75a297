// SPDX-License-Identifier: Apache-2.0

/// A definition of an experiment, and the point from which on decisions are made by it.
///
/// Revision 0 is the definition that the experiment was created with. Each edit adds one. Decisions stay functions of
/// the recorded rows: the counts here say which revision was in force when each of them was made.
public struct Revision: Sendable, Hashable {
    /// Its number; 0 is the definition that the experiment was created with.
    public var number: Int
    /// When it was recorded.
    public var time: Timestamp
    /// The definition.
    public var experiment: Experiment
    /// How many intervals had finished then: the interval whose ``Interval/sequence`` is this, and all after it, are
    /// decided on by this revision.
    public var after: Int64
    /// How many late decisions had been made then: the one whose ``Interval/Decided/order`` is this, and all after it,
    /// are made by this revision.
    public var order: Int64

    /// A revision.
    public init(number: Int, time: Timestamp, experiment: Experiment, after: Int64, order: Int64) {
        self.number = number
        self.time = time
        self.experiment = experiment
        self.after = after
        self.order = order
    }
}

extension [Revision] {
    /// The revision in force when the interval at a place in the order finished; the first when there is no earlier
    /// one.
    package func inForce(atFinish sequence: Int64) -> Revision? {
        last { $0.after <= sequence } ?? first
    }

    /// The revision by which a member's founder was created.
    ///
    /// Where members come at any time, a revision says how many there were; elsewhere, how many it makes there to be.
    package func founding(member: Int) -> Revision? {
        guard let first else { return nil }
        if first.experiment.takesMembers {
            return dropFirst().last { $0.experiment.population <= member } ?? first
        }
        return self.first { $0.experiment.population > member } ?? last
    }
}

extension Experiment {
    /// What cannot change once an experiment is created, as sentences with the old value, the new one, and the remedy.
    ///
    /// - Parameter earlier: The definition so far.
    /// - Returns: One sentence for each key; empty when this definition can follow the earlier one.
    package func obstacles(toFollow earlier: Experiment) -> [String] {
        let isFoundingSame = withCopies(of: earlier).founderCheckpoints == earlier.founderCheckpoints
        return differences(from: earlier).compactMap { difference in
            let change = difference.description
            switch difference.topLevelKey {
            case "kind", "schedule":
                return "\(change): the kind of an experiment and its schedule cannot change"
            case "objective":
                return "\(change): scores of different metrics or goals cannot be ranked together"
            case "open":
                return "\(change): whether members may come at any time cannot change"
            case "intervals":
                if case .replay = kind { return "\(change): the intervals of a replay are those of its schedule" }
                return nil
            case "from", "initial":
                // A founder that is trained again would start from another model than the first time.
                return isFoundingSame ? nil : "\(change): the checkpoints that founders continue cannot change"
            default: return nil
            }
        }
    }
}
