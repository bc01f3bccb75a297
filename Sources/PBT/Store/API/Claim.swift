// SPDX-License-Identifier: Apache-2.0

/// A leased interval with everything that is needed to train it, or to evaluate its checkpoint.
public struct Assignment: Sendable, Hashable {
    /// The lease.
    public var lease: Lease
    /// The interval.
    public var interval: Interval
    /// The name of the checkpoint to restore, or to evaluate; nil for a founder with an untrained model.
    public var parentCheckpoint: String?
    /// The definition of the experiment.
    public var experiment: Experiment
    /// The names of checkpoints that became unreferenced by a decision of this claim.
    ///
    /// Delete them, then record it with ``Store/collected(_:of:)``.
    public var garbage: [String]

    /// Creates an assignment.
    public init(
        lease: Lease, interval: Interval, parentCheckpoint: String?, experiment: Experiment, garbage: [String] = []
    ) {
        self.lease = lease
        self.interval = interval
        self.parentCheckpoint = parentCheckpoint
        self.experiment = experiment
        self.garbage = garbage
    }

    /// The seed for the trainer: a function of (seed, member, interval), and of the number of an evaluation.
    public var seed: Int {
        experiment.trainerSeed(for: interval.id, evaluation: lease.evaluation)
    }

    /// The seed that all members share at this interval: a function of the experiment's seed and the interval's index.
    ///
    /// In an evaluation it is one for each number, so that all candidates share it, whatever interval they are from.
    public var intervalSeed: Int {
        experiment.intervalSeed(at: interval.id.index, evaluation: lease.evaluation)
    }
}

/// The result of a claim for one interval.
public enum Claim: Sendable, Hashable {
    /// Train this interval.
    case assignment(Assignment)
    /// There is nothing to train now, but there may be later.
    case nothingNow
    /// The experiment has ended.
    case over(ExperimentRecord.State)
}

/// The result of a claim for several intervals.
public struct Claims: Sendable, Hashable {
    /// The intervals to train; fewer than requested, or none, if there are no more now.
    public var assignments: [Assignment]
    /// The experiment in its present state.
    public var record: ExperimentRecord

    /// Creates a result.
    public init(assignments: [Assignment], record: ExperimentRecord) {
        self.assignments = assignments
        self.record = record
    }

    /// The result as that of a claim for one interval.
    public var first: Claim {
        if let assignment = assignments.first { return .assignment(assignment) }
        return record.state.isOver ? .over(record.state) : .nothingNow
    }
}
