// SPDX-License-Identifier: Apache-2.0

/// A worker's right to one interval: every write about the interval must carry it.
public struct Lease: Sendable, Hashable {
    /// The experiment's name.
    public var experiment: String
    /// The interval.
    public var interval: IntervalID
    /// Which attempt at the interval this is, from 1.
    public var attempt: Int
    /// The secret that proves the right.
    public var token: String
    /// The worker.
    public var worker: String
    /// When the right ends unless it is renewed.
    public var expires: Timestamp

    /// A lease.
    public init(
        experiment: String, interval: IntervalID, attempt: Int, token: String, worker: String, expires: Timestamp
    ) {
        self.experiment = experiment
        self.interval = interval
        self.attempt = attempt
        self.token = token
        self.worker = worker
        self.expires = expires
    }
}

extension Lease {
    /// The name of the checkpoint that the attempt publishes.
    public var checkpointName: CheckpointName {
        CheckpointName(interval, attempt: attempt)
    }
}
