// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTCheckpoints
import SystemPackage

/// Evaluations of published checkpoints, each by a program of its own.
package struct EvaluationRun: Sendable {
    private let experiment: Experiment
    private let data: DataDirectory
    private let executor: CommandExecutor

    /// Creates evaluations of an experiment.
    ///
    /// - Parameters:
    ///   - experiment: The definition, with a trainer.
    ///   - data: The directory with the checkpoints.
    ///   - executor: The executor of the programs.
    package init(_ experiment: Experiment, in data: DataDirectory, executor: CommandExecutor) {
        self.experiment = experiment
        self.data = data
        self.executor = executor
    }

    /// Evaluates the checkpoint of an interval once; the checkpoint is not changed.
    ///
    /// The processes that a killed evaluation of the same number left are killed first, so at most one process may
    /// evaluate an experiment at a time.
    ///
    /// - Parameters:
    ///   - candidate: The interval.
    ///   - number: The number of the evaluation, from 0.
    ///   - slot: The slot, which determines the device.
    /// - Returns: The evaluation; without a score, and with a reason, if it failed.
    /// - Throws: `CancellationError`; a ``WorkerProblem`` if this machine cannot run the program; a `PBTError` with code
    ///   `inputOutput`.
    package func evaluate(_ candidate: Interval, number: Int, slot: Int) async throws -> Evaluation {
        let attempt: Attempt
        do {
            attempt = try begin(candidate, number: number, slot: slot)
        } catch let error as PBTError where [.noSuchCheckpoint, .changedCheckpoint].contains(error.code) {
            return Evaluation(number: number, score: nil, reason: error.message)
        }
        let end = ParentGuard(attempt).judged(await executor.run(attempt))
        switch end {
        case .trained(let score, let metrics):
            try FileTree.remove(attempt.scratch)
            guard score.isFinite else {
                return Evaluation(number: number, score: nil, metrics: metrics, reason: "the score is \(score)")
            }
            return Evaluation(number: number, score: score, metrics: metrics.mapValues(\.finite))
        case .failed(let reason):
            return Evaluation(number: number, score: nil, reason: reason)
        case .unable(let problem):
            throw problem
        case .interrupted(let reason):
            try Task.checkCancellation()
            return Evaluation(number: number, score: nil, reason: "interrupted: \(reason)")
        }
    }

    /// Creates the directories of an evaluation.
    private func begin(_ candidate: Interval, number: Int, slot: Int) throws -> Attempt {
        let definition = experiment.evaluating(number)
        guard let name = candidate.checkpointName.map({ "\($0)" }) else {
            throw PBTError(.noSuchCheckpoint, "interval \(candidate.id) has no checkpoint")
        }
        let path = try data.published(name, of: experiment.name)
        try data.checkUnchanged(name, of: experiment.name)
        let scratch = data.evaluations(of: experiment.name).appending("\(name)-e\(number)")
        if try FileSystem.exists(scratch) {
            try Leftovers(of: scratch).kill()
            try FileTree.remove(scratch)
        }
        try data.prepare(experiment.name)
        try FileSystem.makeDirectory(data.evaluations(of: experiment.name))
        try FileSystem.makeDirectory(scratch)
        try FileSystem.makeDirectory(scratch.appending("checkpoint"))
        let lease = Lease(
            experiment: experiment.name, interval: candidate.id, attempt: number + 1, token: "", worker: "evaluate",
            expires: Timestamp(milliseconds: 0))
        var assignment = Assignment(
            lease: lease, interval: candidate, parentCheckpoint: name, experiment: definition)
        assignment.isEvaluation = true
        var attempt = Attempt(
            assignment: assignment, parentCheckpoint: path, checkpoint: scratch.appending("checkpoint"),
            scratch: scratch,
            log: scratch.appending("log"), slot: slot)
        attempt.parentSeal = try data.seal(of: name, in: experiment.name) ?? CheckpointSeal(of: path)
        return attempt
    }
}
