// SPDX-License-Identifier: Apache-2.0

/// The exclusive right of a worker to train one interval, or to evaluate its checkpoint once; every write to it must
/// present the lease.
public struct Lease: Sendable, Hashable {
    /// The experiment's name.
    public var experiment: String
    /// The interval.
    public var interval: IntervalID
    /// The number of the attempt at the interval, or at the evaluation, from 1.
    public var attempt: Int
    /// The secret that proves the right (a fencing token).
    public var token: String
    /// The worker.
    public var worker: String
    /// The time at which it expires unless it is renewed.
    public var expires: Timestamp
    /// The number of the evaluation of the interval's checkpoint, from 0; nil for training.
    public var evaluation: Int?

    /// Creates a lease.
    public init(
        experiment: String, interval: IntervalID, attempt: Int, token: String, worker: String, expires: Timestamp,
        evaluation: Int? = nil
    ) {
        self.experiment = experiment
        self.interval = interval
        self.attempt = attempt
        self.token = token
        self.worker = worker
        self.expires = expires
        self.evaluation = evaluation
    }
}

extension Lease {
    /// The name of the checkpoint that the attempt publishes.
    public var checkpointName: CheckpointName {
        CheckpointName(interval, attempt: attempt)
    }
}
