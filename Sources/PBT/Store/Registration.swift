// SPDX-License-Identifier: Apache-2.0

/// An experiment with its baseline, as ``Store/register(_:)`` created or found it.
public struct Registration: Sendable {
    /// The state in which an experiment was found.
    public enum Outcome: Sendable, Hashable {
        /// The experiment is new.
        case created
        /// The experiment exists and has not ended.
        case resumed
        /// The experiment had failed and is retried.
        case retried
        /// The experiment has ended: finished, stopped, or failed permanently.
        case alreadyFinished
    }

    /// A definition that differs from the stored one of the same name.
    package struct Change: Sendable {
        /// The stored experiment.
        package let record: ExperimentRecord
        /// The new definition.
        package let experiment: Experiment
        /// The differences, with the stored values as the old ones.
        package let differences: [Experiment.Difference]
        /// The differences that change the search: only ``Store/revise(_:)`` can make them.
        package let conflicts: [Experiment.Difference]
    }

    /// The experiment and its baseline.
    public let family: ExperimentFamily
    /// The state in which they were found.
    public let outcome: Outcome
}

extension Store {
    /// Creates an experiment and its baseline, or resumes those of the same names with what may change in their
    /// definitions.
    ///
    /// Safe to call from any number of processes concurrently: one of them creates the experiment, the others find it.
    /// An experiment that is paused or has failed stays so.
    ///
    /// - Parameter experiment: The definition. If founders continue checkpoints, copy these first.
    /// - Returns: The experiment and its baseline, and the state in which they were found.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/alreadyExists`` when there is an experiment of that name with
    ///   another search; the message names the differences.
    @discardableResult
    public func register(_ experiment: Experiment) async throws -> Registration {
        try await register(experiment, retryingFailed: false)
    }

    /// Creates an experiment and its baseline, or resumes those of the same names, after a caller's checks.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - retriesFailed: Whether experiments that have failed are resumed.
    ///   - prepare: Returns the definition to store; called for the experiment and for its baseline.
    ///   - confirm: Called with the differences from the stored experiment before they are stored. If it throws, the
    ///     stored experiment is not changed.
    /// - Returns: The experiment and its baseline, and the state in which they were found.
    /// - Throws: As ``register(_:)``, and what `prepare` and `confirm` throw.
    package func register(
        _ experiment: Experiment, retryingFailed retriesFailed: Bool,
        preparing prepare: (Experiment) async throws -> Experiment = { $0 },
        confirming confirm: (Registration.Change) async throws -> Void = { _ in }
    ) async throws -> Registration {
        // The baseline continues the same checkpoints as the experiment.
        let experiment = try await prepare(experiment)
        var outcome = try await createOrEdit(experiment, confirm)
        if let baseline = experiment.baseline {
            let found = try await createOrEdit(prepare(baseline)) { _ in }
            // The process that created the experiment died before it created the baseline.
            if outcome == .alreadyFinished, found == .created { outcome = .resumed }
        }
        if retriesFailed, try await resumeFailed(experiment.name) { outcome = .retried }
        let family = try await ExperimentFamily(experiment.name, in: self)
        if family.isOver {
            outcome = .alreadyFinished
        } else if outcome == .alreadyFinished {
            outcome = .resumed
        }
        return Registration(family: family, outcome: outcome)
    }

    private func createOrEdit(
        _ experiment: Experiment, _ confirm: (Registration.Change) async throws -> Void
    ) async throws -> Registration.Outcome {
        do {
            _ = try await create(experiment)
            return .created
        } catch let error as PBTError where error.code == .alreadyExists {
            let record = try await record(of: experiment.name)
            let conflicts = experiment.conflictingDifferences(from: record.experiment)
            let differences = experiment.differences(from: record.experiment)
                .filter { !$0.isSearch || conflicts.contains($0) }
            if !differences.isEmpty {
                try await confirm(
                    Registration.Change(
                        record: record, experiment: experiment, differences: differences, conflicts: conflicts))
            }
            if record.state == .finished, conflicts.isEmpty { return .alreadyFinished }
            // Throws when there are conflicts.
            try await edit(experiment)
            return record.state.isOver ? .alreadyFinished : .resumed
        }
    }

    /// Resumes an experiment and its baseline where they have failed.
    ///
    /// - Returns: Whether any was resumed.
    private func resumeFailed(_ name: String) async throws -> Bool {
        var isResumed = false
        for record in try await ExperimentFamily(name, in: self).records where record.state == .failed {
            do {
                try await resume(record.experiment.name)
                isResumed = true
            } catch let error as PBTError where error.code == .wrongState {
                // No member has anything left to train: it stays failed.
            }
        }
        return isResumed
    }
}
