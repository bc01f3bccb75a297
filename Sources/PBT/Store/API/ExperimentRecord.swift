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

extension ExperimentRecord {
    /// Counts one interval as being in another state than before.
    package mutating func move(_ old: Interval.State, to new: Interval.State) {
        counts[old, default: 0] -= 1
        counts[new, default: 0] += 1
    }

    /// The definition as the revision that it was created with; only while it was never edited.
    package var firstRevision: Revision {
        Revision(number: 0, time: created, experiment: experiment, after: 0, order: 0)
    }
}
