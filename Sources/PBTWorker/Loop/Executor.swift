// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTCheckpoints

/// An implementation of training: a command, or Swift code in this process.
public protocol Executor: Sendable {
    /// Trains one interval, and returns when all of its processes have ended.
    ///
    /// When the task is cancelled it ends the training soon (a command receives SIGTERM, and SIGKILL after its grace
    /// period) and returns ``AttemptEnd/interrupted(reason:)``.
    func run(_ attempt: Attempt) async -> AttemptEnd
}

/// The outcome of an attempt.
public enum AttemptEnd: Sendable, Hashable {
    /// The interval was trained, evaluated and saved.
    ///
    /// - Parameters:
    ///   - score: The metric of the objective; the interval has diverged if it is not finite.
    ///   - metrics: All metrics, including that of the objective.
    case trained(score: Double, metrics: [String: Value])
    /// The attempt failed, with a reason for messages.
    case failed(reason: String)
    /// The attempt was interrupted by an external cause; no retry is counted.
    case interrupted(reason: String)
    /// The worker could not train for a reason unrelated to the interval: no retry is counted, and the worker stops if
    /// the problem persists.
    case unable(WorkerProblem)
}
