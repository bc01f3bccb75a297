// SPDX-License-Identifier: Apache-2.0

import PBT

/// An experiment that was created in a store, or found there.
struct Registration: Sendable {
    /// The state in which the experiment was found.
    enum Outcome: Sendable {
        /// It is new.
        case created
        /// It exists, and is not finished.
        case resumed
        /// It had failed, and is retried.
        case retried
        /// It is finished, stopped, or failed for good.
        case alreadyFinished
    }

    /// A definition that differs from the one in the store.
    struct Change: Sendable {
        /// The experiment as the store has it.
        let record: ExperimentRecord
        /// The new definition.
        let experiment: Experiment
        /// The differences, with the store's value as the old one.
        let differences: [Experiment.Difference]
        /// The differences that decide the search, which only an edit changes.
        let conflicts: [Experiment.Difference]
    }

    /// The experiment and its baseline.
    let family: ExperimentFamily
    /// The state in which the experiment was found.
    let outcome: Outcome

    /// Creates an experiment and its baseline, or finds them.
    ///
    /// Safe to call from several processes concurrently: one of them creates, the others find.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - opened: The store.
    ///   - isRetrying: Retries a failed experiment.
    ///   - changing: Called with the differences from the definition in the store before that is changed; if it throws,
    ///     the store is not changed.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/alreadyExists`` when another definition has the name, or when
    ///   the data directory holds files of an earlier experiment of that name.
    init(
        _ experiment: Experiment, in opened: OpenStore, retrying isRetrying: Bool,
        changing: (Change) async throws -> Void = { _ in }
    ) async throws {
        let store = opened.store
        try await opened.checkUnclaimed(experiment)
        // The random search starts from the same checkpoints as the experiment.
        let experiment = try await opened.copyingFounders(of: experiment)
        var outcome = try await Self.enter(experiment, in: store, changing)
        if let baseline = experiment.baseline {
            let found = try await Self.enter(opened.copyingFounders(of: baseline), in: store) { _ in }
            // The process that created the experiment died before it created the baseline.
            if case .alreadyFinished = outcome, case .created = found { outcome = .resumed }
        }
        var family = try await ExperimentFamily(experiment.name, in: store)
        if isRetrying {
            for record in family.records where record.state == .failed {
                do {
                    try await store.resume(record.experiment.name)
                    outcome = .retried
                } catch let error as PBTError where error.code == .wrongState {
                    // No member has anything left to train: it stays failed, and the result says so.
                }
            }
            family = try await ExperimentFamily(experiment.name, in: store)
        }
        if family.isOver {
            outcome = .alreadyFinished
        } else if case .alreadyFinished = outcome {
            outcome = .resumed
        }
        self.family = family
        self.outcome = outcome
    }

    private static func enter(
        _ experiment: Experiment, in store: some Store, _ changing: (Change) async throws -> Void
    ) async throws -> Outcome {
        do {
            _ = try await store.create(experiment)
            return .created
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
            if record.state == .finished, conflicts.isEmpty { return .alreadyFinished }
            // Also rejects differences that are not allowed.
            try await store.edit(experiment)
            return record.state.isOver ? .alreadyFinished : .resumed
        }
    }
}
