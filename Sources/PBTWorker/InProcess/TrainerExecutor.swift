// SPDX-License-Identifier: Apache-2.0

import PBT
public import PBTCheckpoints

/// Trains intervals with Swift code in this process.
public struct TrainerExecutor<Work: Trainer>: Executor {
    private let trainer: Work

    /// Trains with this trainer.
    public init(_ trainer: Work) {
        self.trainer = trainer
    }

    /// Starts or restores a model, trains, evaluates and saves it.
    public func run(_ attempt: Attempt) async -> AttemptEnd {
        let context = TrainingContext(attempt.assignment)
        do {
            var model: Work.Model
            if let parent = attempt.parentCheckpoint {
                model = try await trainer.restore(from: parent, context)
            } else {
                model = try await trainer.start(context)
            }
            try Task.checkCancellation()
            try await trainer.train(&model, context)
            try Task.checkCancellation()
            let metrics = try await trainer.evaluate(model, context)
            let results = try Results(
                metrics: metrics, from: "what evaluate returned",
                metric: attempt.assignment.experiment.objective.metric)
            try await trainer.save(model, to: attempt.checkpoint, context)
            return .trained(score: results.score, metrics: results.metrics)
        } catch let interruption as Interruption {
            return .interrupted(reason: interruption.reason)
        } catch let problem as Results.Problem {
            return .failed(reason: problem.text)
        } catch let problem as WorkerProblem {
            return .unable(problem)
        } catch {
            // Whatever a trainer throws once it is cancelled, it was not its own fault.
            return Task.isCancelled ? .interrupted(reason: "the worker was stopped") : .failed(reason: "\(error)")
        }
    }
}
