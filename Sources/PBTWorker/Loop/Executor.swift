// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTCheckpoints

/// Trains one interval at a time, in whatever way: a command, or Swift code in this process.
public protocol Executor: Sendable {
    /// Trains one interval, and returns only when nothing of it still runs.
    ///
    /// When the task is cancelled it ends the training soon (a command is asked to end, and killed after its grace
    /// period) and returns ``AttemptEnd/interrupted(reason:)``.
    func run(_ attempt: Attempt) async -> AttemptEnd
}

/// How an attempt ended.
public enum AttemptEnd: Sendable, Hashable {
    /// The interval was trained, evaluated and saved.
    ///
    /// - Parameters:
    ///   - score: The objective's metric; one that is no finite number makes the interval diverged.
    ///   - metrics: All metrics, the objective's among them.
    case trained(score: Double, metrics: [String: Value])
    /// The attempt failed, with a reason for a person.
    case failed(reason: String)
    /// The attempt was given up for a reason that is not its own: no retry is counted.
    case interrupted(reason: String)
    /// The worker could not train it, for a reason that says nothing about the interval: no retry is counted, and the
    /// worker stops when it stays so.
    case unable(WorkerProblem)
}
