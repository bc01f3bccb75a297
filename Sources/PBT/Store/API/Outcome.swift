// SPDX-License-Identifier: Apache-2.0

/// How an attempt at an interval ended.
public enum Outcome: Sendable, Hashable {
    /// It was trained and evaluated. A score that is no finite number makes it diverged.
    ///
    /// - Parameters:
    ///   - score: The objective's metric.
    ///   - metrics: All metrics, the objective's among them.
    ///   - checkpoint: The name of the published checkpoint; none only when the score is no finite number.
    case trained(score: Double, metrics: [String: Value], checkpoint: String?)
    /// The attempt failed; it is tried again until the retries are spent.
    case failed(reason: String)
}

/// What finishing an attempt led to.
public struct Finished: Sendable, Hashable {
    /// The interval as it is now: finished, or waiting for another attempt.
    public var interval: Interval
    /// The decisions made because of it: one when members go on by themselves, all of a generation's in a synchronous
    /// experiment, none when the interval waits for another attempt or for its generation.
    public var decisions: [Decision]
    /// Names of checkpoints that nothing needs any more.
    ///
    /// Delete them, then say so with ``Store/collected(_:of:)``.
    public var garbage: [String]
    /// The experiment as it is now.
    public var record: ExperimentRecord

    /// What finishing an attempt led to.
    public init(interval: Interval, decisions: [Decision], garbage: [String], record: ExperimentRecord) {
        self.interval = interval
        self.decisions = decisions
        self.garbage = garbage
        self.record = record
    }
}
