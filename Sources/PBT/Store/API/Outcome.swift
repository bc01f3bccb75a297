// SPDX-License-Identifier: Apache-2.0

/// The outcome of an attempt at an interval.
public enum Outcome: Sendable, Hashable {
    /// It was trained and evaluated. A non-finite score makes it diverged.
    ///
    /// - Parameters:
    ///   - score: The objective's metric.
    ///   - metrics: All metrics, including the objective's.
    ///   - checkpoint: The name of the published checkpoint; nil only if the score is not finite.
    case trained(score: Double, metrics: [String: Value], checkpoint: String?)
    /// The attempt failed; the interval is retried until its retries are spent.
    case failed(reason: String)
}

/// The result of finishing an attempt.
public struct Finished: Sendable, Hashable {
    /// The interval in its present state: finished, or waiting for another attempt.
    public var interval: Interval
    /// The decisions that it led to: one in an asynchronous experiment, those of a whole generation in a synchronous
    /// one, and none while the interval awaits another attempt, its generation, or a late decision.
    public var decisions: [Decision]
    /// The names of checkpoints that became unreferenced.
    ///
    /// Delete them, then record it with ``Store/collected(_:of:)``.
    public var garbage: [String]
    /// The experiment in its present state.
    public var record: ExperimentRecord

    /// Creates a result.
    public init(interval: Interval, decisions: [Decision], garbage: [String], record: ExperimentRecord) {
        self.interval = interval
        self.decisions = decisions
        self.garbage = garbage
        self.record = record
    }
}
