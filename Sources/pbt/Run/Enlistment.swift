// SPDX-License-Identifier: Apache-2.0

import PBT

/// How a run relates to what the store holds already.
struct Enlistment: Sendable {
    /// What it does there.
    enum Manner: Sendable {
        /// The experiment is new.
        case begins
        /// It was there, and is not over.
        case goesOn
        /// It had failed, and is tried again.
        case triesAgain
        /// It is over.
        case finds
    }

    /// The experiment and its baseline.
    let family: ExperimentFamily
    /// What the run does.
    let manner: Manner

    /// Creates an experiment and its baseline, or finds them.
    ///
    /// Any number of processes may do so at once: one creates, the others find.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - store: The store.
    ///   - isRevived: Whether a failed experiment is tried again.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/alreadyExists`` when another definition has the name.
    init(_ experiment: Experiment, in store: some Store, reviving isRevived: Bool) async throws {
        var manner = try await Self.enter(experiment, in: store)
        if let baseline = experiment.baseline {
            let found = try await Self.enter(baseline, in: store)
            // Its process died between the two.
            if case .finds = manner, case .begins = found { manner = .goesOn }
        }
        var family = try await ExperimentFamily(experiment.name, in: store)
        if isRevived {
            for record in family.records where record.state == .failed {
                do {
                    try await store.resume(record.experiment.name)
                    manner = .triesAgain
                } catch let error as PBTError where error.code == .wrongState {
                    // No member has anything left to train: it stays as it is, and the result says so.
                }
            }
            family = try await ExperimentFamily(experiment.name, in: store)
        }
        if family.isOver {
            manner = .finds
        } else if case .finds = manner {
            manner = .goesOn
        }
        self.family = family
        self.manner = manner
    }

    private static func enter(_ experiment: Experiment, in store: some Store) async throws -> Manner {
        do {
            _ = try await store.create(experiment)
            return .begins
        } catch let error as PBTError where error.code == .alreadyExists {
            let record = try await store.record(of: experiment.name)
            // Also checks that nothing differs that must not.
            if record.state.isOver, record.experiment.conflicts(with: experiment).isEmpty { return .finds }
            try await store.edit(experiment)
            return record.state.isOver ? .finds : .goesOn
        }
    }
}
