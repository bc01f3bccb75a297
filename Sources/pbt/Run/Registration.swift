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

    /// A definition that differs from the one in the store.
    struct Change: Sendable {
        /// The experiment as the store has it.
        let record: ExperimentRecord
        /// The definition that is to be trained.
        let experiment: Experiment
        /// What differs, the store's value as the old one.
        let differences: [Experiment.Difference]
        /// Those of them that decide the search, which changes by an edit alone.
        let conflicts: [Experiment.Difference]
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
    ///   - opened: The store.
    ///   - isRevived: Whether a failed experiment is tried again.
    ///   - changing: Called with what differs from the definition in the store, before that is changed; what it throws
    ///     leaves the store as it is.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/alreadyExists`` when another definition has the name.
    init(
        _ experiment: Experiment, in opened: OpenStore, reviving isRevived: Bool,
        changing: (Change) async throws -> Void = { _ in }
    ) async throws {
        let store = opened.store
        // The random search continues what the experiment does.
        let experiment = try await opened.copyingFounders(of: experiment)
        var manner = try await Self.enter(experiment, in: store, changing)
        if let baseline = experiment.baseline {
            let found = try await Self.enter(opened.copyingFounders(of: baseline), in: store) { _ in }
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

    private static func enter(
        _ experiment: Experiment, in store: some Store, _ changing: (Change) async throws -> Void
    ) async throws -> Manner {
        do {
            _ = try await store.create(experiment)
            return .begins
        } catch let error as PBTError where error.code == .alreadyExists {
            let record = try await store.record(of: experiment.name)
            let conflicts = experiment.conflictingDifferences(from: record.experiment)
            let differences = experiment.differences(from: record.experiment)
                .filter { !$0.isSearch || conflicts.contains($0) }
            if !differences.isEmpty {
                try await changing(
                    Change(
                        record: record, experiment: experiment, differences: differences, conflicts: conflicts))
            }
            if record.state == .finished, conflicts.isEmpty { return .finds }
            // Also checks that nothing differs that must not.
            try await store.edit(experiment)
            return record.state.isOver ? .finds : .goesOn
        }
    }
}
