// SPDX-License-Identifier: Apache-2.0

/// The exclusive right of a worker to train one interval; every write to the interval must present it.
public struct Lease: Sendable, Hashable {
    /// The experiment's name.
    public var experiment: String
    /// The interval.
    public var interval: IntervalID
    /// The number of the attempt at the interval, from 1.
    public var attempt: Int
    /// The secret that proves the right (a fencing token).
    public var token: String
    /// The worker.
    public var worker: String
    /// The time at which it expires unless it is renewed.
    public var expires: Timestamp

    /// Creates a lease.
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
