// SPDX-License-Identifier: Apache-2.0

/// An experiment as it is stored: its definition and its progress.
public struct ExperimentRecord: Sendable, Hashable {
    /// The state of an experiment.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Workers may claim its intervals.
        case running
        /// Running intervals finish, and no new ones are claimed.
        case paused
        /// Its budget is spent, its target or time limit is reached, or it was stopped.
        case finished
        /// It ended because continuing was hopeless.
        case failed

        /// True if nothing more will be trained.
        public var isOver: Bool {
            self == .finished || self == .failed
        }
    }

    /// The store's number for the experiment.
    public var id: Int64
    /// The definition.
    public var experiment: Experiment
    /// The state.
    public var state: State
    /// The reason for its state, unless it simply ran or spent its budget.
    public var reason: String?
    /// The time of its creation.
    public var created: Timestamp
    /// The time at which it ended.
    public var ended: Timestamp?
    /// The number of intervals in each state.
    public var counts: [Interval.State: Int]
    /// The best interval ever, by its score; of equal ones by ``Objective/prefers(_:to:)``.
    public var best: IntervalID?
    /// The score of the best interval ever.
    public var bestScore: Double?
    /// The number of members that have no more intervals.
    public var membersEnded: Int
    /// The number of intervals that have failed since one was last done.
    public var failuresInARow: Int
    /// The number of intervals that have finished, in any way; the ``Interval/sequence`` of the next one.
    public var finishedIntervals: Int64
    /// The number of finished intervals that await a decision: a late one, or a certain one.
    public var undecided = 0
    /// The number of late or certain decisions that were made.
    package var lateDecisions: Int64 = 0
    /// Workers whose last attempts have all failed, by name.
    package var suspects: [String: Suspect] = [:]
    /// Additional data that its creator stored with it.
    package var notes: [String: Value] = [:]
    /// The number of the newest ``Revision``; 0 if the definition was never edited.
    public var revisionNumber = 0
    /// The first generation that is not complete, if decisions wait for it.
    public var generation: Int
    /// The time at which it became the first, if decisions wait for it.
    public var generationBegan: Timestamp

    /// The start of its time limit (`stop: after`): its creation, by the monotonic clock of leases.
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

    /// The number of intervals that the members will have trained at the end, as far as is known now.
    ///
    /// The number of existing intervals if a member's intervals have no limit.
    public var intervalsPlanned: Int {
        experiment.isEndless
            ? counts.values.reduce(0) { $0.adding(saturating: $1) }
            : experiment.plannedIntervals.subtracting(saturating: skipped)
    }

    /// The number of intervals of population × intervals that will not be trained, since members ended early or the
    /// definition was edited; negative if an edit left members with fewer intervals than they have.
    public var skipped: Int

    /// The number of intervals that are finished, in any way.
    public var intervalsFinished: Int {
        counts.reduce(0) { $1.key.isFinished ? $0 + $1.value : $0 }
    }

    /// Returns true if its time limit (`stop: after`) is reached at a given time.
    package func isTimeOver(at now: Timestamp) -> Bool {
        experiment.stop.after.map { now >= limitBegan.advanced(by: $0) } ?? false
    }

    /// True if a claim is likely to get an interval now.
    package var hasWork: Bool {
        state == .running && (claimable > 0 || samplesFounders)
    }

    /// The number of intervals that claims can get now: those that wait, and those that a claim decides about.
    package var claimable: Int {
        let decides = experiment.decides == .late || experiment.patience == .zero
        return (counts[.waiting] ?? 0) + (decides ? undecided : 0)
    }

    /// True if there is always one more founder to train.
    package var samplesFounders: Bool {
        experiment.isOpen && experiment.kind == .randomSearch
    }

    /// The number of changes to anything that decisions depend on.
    package var revision: Int64 {
        finishedIntervals + lateDecisions
    }
}

extension ExperimentRecord {
    /// Updates the counts for one interval that changes its state.
    package mutating func move(_ old: Interval.State, to new: Interval.State) {
        counts[old, default: 0] -= 1
        counts[new, default: 0] += 1
    }

    /// The definition as revision 0; valid only while it was never edited.
    package var firstRevision: Revision {
        Revision(number: 0, time: created, experiment: experiment, after: 0, order: 0)
    }
}
