// SPDX-License-Identifier: Apache-2.0

/// One interval to train, and all that is needed for it.
public struct Assignment: Sendable, Hashable {
    /// The right to it.
    public var lease: Lease
    /// The interval.
    public var interval: Interval
    /// The name of the checkpoint to restore; none for a founder.
    public var parentCheckpoint: String?
    /// The definition that the interval belongs to.
    public var experiment: Experiment
    /// Names of checkpoints that nothing needs any more since this was decided.
    ///
    /// Delete them, then say so with ``Store/collected(_:of:)``.
    public var garbage: [String]

    /// An interval to train.
    public init(
        lease: Lease, interval: Interval, parentCheckpoint: String?, experiment: Experiment, garbage: [String] = []
    ) {
        self.lease = lease
        self.interval = interval
        self.parentCheckpoint = parentCheckpoint
        self.experiment = experiment
        self.garbage = garbage
    }

    /// The seed for the trainer: a function of (seed, member, interval).
    public var seed: Int {
        experiment.trainerSeed(for: interval.id)
    }
}

/// The answer to a worker that asks for work.
public enum Claim: Sendable, Hashable {
    /// Train this.
    case assignment(Assignment)
    /// There is nothing now; there may be later.
    case nothingNow
    /// The experiment is over.
    case over(ExperimentRecord.State)
}

/// What a worker got that asked for several intervals, and the experiment as it is then.
public struct Claims: Sendable, Hashable {
    /// The intervals to train; fewer than asked for, or none, when there are no more now.
    public var assignments: [Assignment]
    /// The experiment as it is now.
    public var record: ExperimentRecord

    /// What a worker got.
    public init(assignments: [Assignment], record: ExperimentRecord) {
        self.assignments = assignments
        self.record = record
    }

    /// The answer to a worker that asked for one interval.
    public var first: Claim {
        if let assignment = assignments.first { return .assignment(assignment) }
        return record.state.isOver ? .over(record.state) : .nothingNow
    }
}
