// SPDX-License-Identifier: Apache-2.0

/// A definition of an experiment, and the point from which decisions use it.
///
/// Revision 0 is the definition that the experiment was created with. Each edit adds one. Decisions stay functions of
/// the recorded rows: the counts here tell which revision was in force for each of them.
public struct Revision: Sendable, Hashable {
    /// The number; 0 for the definition that the experiment was created with.
    public var number: Int
    /// The time at which it was recorded.
    public var time: Timestamp
    /// The definition.
    public var experiment: Experiment
    /// The number of intervals that had finished at that time: the decision about the interval with this
    /// ``Interval/sequence``, and all after it, use this revision.
    public var after: Int64
    /// The number of late decisions that had been made at that time: the one with this ``Interval/Decided/order``, and
    /// all after it, use this revision.
    public var order: Int64

    /// Creates a revision.
    public init(number: Int, time: Timestamp, experiment: Experiment, after: Int64, order: Int64) {
        self.number = number
        self.time = time
        self.experiment = experiment
        self.after = after
        self.order = order
    }
}

extension [Revision] {
    /// Returns the revision in force when the interval with a sequence number finished; the first if there is no
    /// earlier one.
    package func inForce(atFinish sequence: Int64) -> Revision? {
        last { $0.after <= sequence } ?? first
    }

    /// Returns the revision that a member's founder was created with.
    ///
    /// If members come at any time, a revision records how many existed before it; otherwise, how many exist with it.
    package func founding(member: Int) -> Revision? {
        guard let first else { return nil }
        if first.experiment.takesMembers {
            return dropFirst().last { $0.experiment.population <= member } ?? first
        }
        return self.first { $0.experiment.population > member } ?? last
    }
}

extension Experiment {
    /// Returns the changes that are not possible once an experiment is created, as sentences with old and new value.
    ///
    /// - Parameter earlier: The present definition.
    /// - Returns: One sentence for each key; empty if this definition can follow the earlier one.
    package func obstacles(toFollow earlier: Experiment) -> [String] {
        let isFoundingSame = withCopies(of: earlier).founderCheckpoints == earlier.founderCheckpoints
        return halvingObstacles(toFollow: earlier)
            + differences(from: earlier).compactMap { difference in
                let change = difference.description
                if difference.isSearch, learnsFromHistory || earlier.learnsFromHistory {
                    return "\(change): a search by pb2 or pb2_mix cannot be edited, since its model learns from all "
                        + "intervals; continue its best members with from: \(name)"
                }
                if difference.isSearch, elites != nil || earlier.elites != nil {
                    return "\(change): a search with elites cannot be edited, since members may return to any of its "
                        + "intervals; continue its best members with from: \(name)"
                }
                switch difference.topLevelKey {
                case "kind", "schedule":
                    return "\(change): the kind of an experiment and its schedule cannot change"
                case "objective":
                    if mayRedeclareObjective(of: earlier) { return nil }
                    return "\(change): scores of different metrics or goals cannot be ranked together"
                case "open":
                    return "\(change): whether members may come at any time cannot change"
                case "intervals":
                    if case .replay = kind { return "\(change): the intervals of a replay are those of its schedule" }
                    return nil
                case "from", "initial":
                    // A founder that is retried would otherwise start from another model than the first time.
                    return isFoundingSame ? nil : "\(change): the checkpoints that founders continue cannot change"
                default: return nil
                }
            }
    }

    /// Returns true if the objective may differ from an earlier definition's: nothing but the order of results depends on
    /// it, and no checkpoint.
    private func mayRedeclareObjective(of earlier: Experiment) -> Bool {
        objective.isDeclared
            && [self, earlier].allSatisfy { definition in
                definition.isOpen && definition.trainer == nil
                    && (definition.kind == .manual || definition.kind == .randomSearch)
            }
    }
}
