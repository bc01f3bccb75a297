// SPDX-License-Identifier: Apache-2.0

/// An experiment as a store keeps it: its definition, and how far it is.
public struct ExperimentRecord: Sendable, Hashable {
    /// Where an experiment stands.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Workers may claim its intervals.
        case running
        /// Nothing new is claimed; what runs goes on.
        case paused
        /// Its budget is spent, its target reached, its time over, or it was stopped.
        case finished
        /// It ended without going on being of any use.
        case failed

        /// Whether nothing more will be trained.
        public var isOver: Bool {
            self == .finished || self == .failed
        }
    }

    /// The store's number for it.
    public var id: Int64
    /// Its definition.
    public var experiment: Experiment
    /// Where it stands.
    public var state: State
    /// Why it is paused or over, when there is more to say than its budget being spent.
    public var reason: String?
    /// When it was created.
    public var created: Timestamp
    /// When it ended.
    public var ended: Timestamp?
    /// How many intervals are in each state.
    public var counts: [Interval.State: Int]
    /// The best interval ever, by its score.
    public var best: IntervalID?
    /// The score of the best interval ever.
    public var bestScore: Double?
    /// How many members have no more intervals.
    public var membersEnded: Int
    /// How many intervals failed since one was last done.
    public var failuresInARow: Int
    /// How many intervals have finished, in any way; the next one's ``Interval/sequence``.
    public var finishedIntervals: Int64
    /// How many finished intervals wait for a late decision.
    public var undecided = 0
    /// How many late decisions were made.
    package var lateDecisions: Int64 = 0
    /// Workers whose attempts have failed since one last succeeded, by name.
    package var suspects: [String: Suspect] = [:]
    /// What else is kept with it by whoever created it.
    package var notes: [String: Value] = [:]
    /// The number of the newest ``Revision``; 0 when the definition was never edited.
    public var revisionNumber = 0
    /// In a synchronous experiment, the generation that is being trained.
    public var generation: Int
    /// In a synchronous experiment, when that generation began.
    public var generationBegan: Timestamp

    /// When its time limit (`stop: after`) began: its creation, by the clock of leases, which nobody sets.
    package var limitBegan: Timestamp

    package init(
        id: Int64, experiment: Experiment, state: State, created: Timestamp, counts: [Interval.State: Int],
        membersEnded: Int, skipped: Int, failuresInARow: Int, finishedIntervals: Int64, generation: Int,
        generationBegan: Timestamp
    ) {
        self.id = id
        self.experiment = experiment
        self.state = state
        self.created = created
        self.counts = counts
        self.membersEnded = membersEnded
        self.skipped = skipped
        self.failuresInARow = failuresInARow
        self.finishedIntervals = finishedIntervals
        self.generation = generation
        self.generationBegan = generationBegan
        limitBegan = created
    }

    /// How many intervals the members will have trained at the end, as far as it can be told now.
    ///
    /// Where the intervals of a member have no limit, how many there are.
    public var intervalsPlanned: Int {
        experiment.isEndless
            ? counts.values.reduce(0) { $0.adding(saturating: $1) }
            : experiment.population.multiplied(saturatingBy: experiment.intervals).subtracting(saturating: skipped)
    }

    /// How many intervals fewer than population × intervals there will be: members ended early, or their definition was
    /// edited; below 0 when an edit left members with fewer intervals than they have.
    public var skipped: Int

    /// How many intervals are finished, in any way.
    public var intervalsFinished: Int {
        counts.reduce(0) { $1.key.isFinished ? $0 + $1.value : $0 }
    }

    /// Whether its time limit (`stop: after`) is over at a given time.
    package func isTimeOver(at now: Timestamp) -> Bool {
        experiment.stop.after.map { now >= limitBegan.advanced(by: $0) } ?? false
    }

    /// Whether a worker that asks now is likely to get something.
    package var hasWork: Bool {
        state == .running && ((counts[.waiting] ?? 0) + undecided > 0 || samplesFounders)
    }

    /// Whether there is always one more founder to train.
    package var samplesFounders: Bool {
        experiment.isOpen && experiment.kind == .randomSearch
    }

    /// How often anything was changed that decisions look at.
    package var revision: Int64 {
        finishedIntervals + lateDecisions
    }
}

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

/// Something that happened to an experiment.
public struct Event: Sendable, Hashable, Identifiable {
    /// What happened.
    ///
    /// More kinds may come.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The experiment was created.
        case created
        /// An interval was claimed.
        case started
        /// An interval was trained; the decision about its member stands with it, unless its generation is not complete.
        case done
        /// An interval's score is no finite number.
        case diverged
        /// An interval's retries are spent.
        case failed
        /// An attempt failed, and the interval waits for another.
        case retried
        /// A lease ran out or its worker died, and the interval waits for another attempt.
        case lost
        /// A worker gave an interval back.
        case released
        /// A generation of a synchronous experiment was decided about.
        case generation
        /// Hyperparameters were queued by hand.
        case pushed
        /// The experiment was paused.
        case paused
        /// The experiment goes on.
        case resumed
        /// The experiment is over.
        case ended
        /// The definition was edited; `details` have the number of the revision and `changes`: key, old and new.
        case edited
        /// A worker gets no more intervals, since its attempts fail where those of others succeed.
        case setAside
    }

    /// Its number; increases over all experiments of a store.
    public var id: Int64
    /// The experiment's name.
    public var experiment: String
    /// When it happened.
    public var time: Timestamp
    /// What happened.
    public var kind: Kind
    /// The interval it happened to, if any.
    public var interval: IntervalID?
    /// More about it.
    public var details: [String: Value]

    /// Something that happened.
    public init(
        id: Int64, experiment: String, time: Timestamp, kind: Kind, interval: IntervalID?, details: [String: Value]
    ) {
        self.id = id
        self.experiment = experiment
        self.time = time
        self.kind = kind
        self.interval = interval
        self.details = details
    }
}
