// SPDX-License-Identifier: Apache-2.0

/// Where experiments live: memory, a SQLite file, a database server, or a `pbt` server.
///
/// Any number of processes may work on one store, with no coordinator among them. What every store owes:
/// - A call happens whole or not at all, and when it returns it is as durable as the store says it is.
/// - At most one worker has a live lease on an interval. A write under a lease that is no longer the interval's fails
///   with ``PBTError/Code/leaseLost`` and changes nothing.
/// - Finishing an interval, the decision about its member, the member's next interval, the event, and what becomes
///   garbage are one transaction.
/// - A checkpoint is garbage only when no member that can be a donor, no waiting or running interval, none of the best
///   and no pin needs it.
/// - Time is the store's: workers' clocks do not matter.
///
/// A call that is cancelled either took effect or did not; ask the store. `PBTTesting` has the suite that every store
/// passes.
public protocol Store: Sendable {
    /// Creates an experiment with its founders, and returns it.
    ///
    /// - Throws: ``PBTError/Code/alreadyExists`` when there is one of that name, ``PBTError/Code/noSuchStrategy``.
    func create(_ experiment: Experiment) async throws -> ExperimentRecord

    /// All experiments, in the order of their creation.
    func experiments() async throws -> [ExperimentRecord]

    /// One experiment.
    ///
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func record(of name: String) async throws -> ExperimentRecord

    /// Replaces what may change in a definition while the experiment runs: trainer, retries, stop, keep.
    ///
    /// - Throws: ``PBTError/Code/alreadyExists`` when anything else differs; the message names what.
    func edit(_ experiment: Experiment) async throws

    /// Edits a definition: more or fewer intervals, more members, another space, other rules, another seed.
    ///
    /// What is being trained finishes as it was handed out; the next decision goes by the new definition. Members that
    /// had ended and have intervals left now get their next one, and an experiment that was over and has something left
    /// to train is running again, if its space, rules, budget or conditions to stop changed. Each edit is recorded as a
    /// ``Revision``. A store that keeps no revisions takes what ``edit(_:)`` takes.
    ///
    /// - Returns: The revision in force now; the present one when nothing differs.
    /// - Throws: ``PBTError/Code/wrongState`` for what cannot change, with the old and the new value;
    ///   ``PBTError/Code/noSuchExperiment``, ``PBTError/Code/badExperiment``, ``PBTError/Code/noSuchStrategy``.
    func revise(_ experiment: Experiment) async throws -> Revision

    /// The revisions of a definition, by number: at least the one that the experiment was created with.
    ///
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func revisions(of name: String) async throws -> [Revision]

    /// All intervals of an experiment, by member and index.
    func intervals(of name: String) async throws -> [Interval]

    /// Some intervals of an experiment, by member and index.
    ///
    /// Chosen from ``intervals(of:)`` when a store has no faster way.
    ///
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func intervals(of name: String, _ selection: IntervalSelection) async throws -> [Interval]

    /// The intervals of an experiment that are new or were written to since one last looked, as of one moment.
    ///
    /// All of ``intervals(of:)``, each time anew, when a store does not know what has changed.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - cursor: The ``Changes/cursor`` of the last response; nil to begin.
    ///   - limit: How many at most; at least 1. What was not written to for longest comes first.
    /// - Returns: The intervals, and what to ask with the next time; see ``IntervalMirror``.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func changes(of name: String, since cursor: ChangeCursor?, limit: Int) async throws -> Changes

    /// The intervals of an experiment that are being trained, by member and index.
    ///
    /// Those of ``intervals(of:)`` when a store has no faster way.
    func runningIntervals(of name: String) async throws -> [Interval]

    /// One interval.
    ///
    /// - Throws: ``PBTError/Code/noSuchInterval``.
    func interval(_ id: IntervalID, of name: String) async throws -> Interval

    /// Takes waiting intervals, those of the least trained members first.
    ///
    /// Where decisions are late and nothing waits, decides about an interval that has finished, and hands out the next.
    /// In an open random search there is always one more founder.
    ///
    /// - Parameters:
    ///   - count: How many at most; above 0, and no more than 1000 are taken.
    ///   - name: The experiment.
    ///   - worker: Who asks.
    ///   - term: How long the leases last unless they are renewed; above 0.
    ///   - key: A secret of the caller's, new for each claim, that makes the claim safe to repeat when its answer got
    ///     lost: while what was claimed with it is leased, the same key gets the same intervals again.
    /// - Returns: The intervals, and the experiment as it is.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims

    /// Extends a lease to `term` from now.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``: stop training, the interval is someone else's.
    func renew(_ lease: Lease, for term: Duration) async throws -> Lease

    /// Records the metrics so far of an interval that is being trained, instead of those recorded before.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``.
    func report(_ lease: Lease, _ metrics: [String: Value]) async throws

    /// Records how an attempt ended, decides about the member, and creates its next interval.
    ///
    /// Safe to repeat when the answer got lost: for an attempt that was finished by this lease it answers with the
    /// interval as it is, no decisions, and all garbage that there is; nothing is recorded twice.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``, or ``PBTError/Code/badValue`` for a finite score without a checkpoint, and
    ///   for a checkpoint whose name is not this attempt's (``CheckpointName``): nothing was recorded.
    func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished

    /// Gives an interval back untrained: the worker was asked to stop. No retry is counted.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``.
    func release(_ lease: Lease, because reason: String) async throws

    /// Ends all leases of a worker that is known to be dead, without waiting for their terms. Counts as a failure.
    ///
    /// - Returns: The intervals that it had.
    func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID]

    /// Queues hyperparameters by hand.
    ///
    /// In a manual or open search, a new member. Otherwise the last founder that nobody has begun takes them; what is not given
    /// stays as it was sampled.
    ///
    /// - Returns: The interval that will train them.
    /// - Throws: ``PBTError/Code/badValue`` for values outside the space, ``PBTError/Code/wrongState`` when no founder
    ///   is left.
    func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval

    /// Stops handing out intervals until ``resume(_:)``.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` when it is over.
    func pause(_ name: String) async throws

    /// Goes on after ``pause(_:)``, or after all members failed in a row.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` when it is finished.
    func resume(_ name: String) async throws

    /// Ends an experiment for good. Leases of intervals that run are lost.
    func stop(_ name: String, because reason: String) async throws

    /// Deletes an experiment and all that is known of it. Its files are the caller's to delete.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` while intervals run.
    func remove(_ name: String) async throws

    /// Keeps an interval's checkpoint until it is unpinned, or no longer.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` when there is no checkpoint to keep any more.
    func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws

    /// Names of checkpoints that nothing needs any more and that are not said to be deleted yet.
    func garbage(of name: String) async throws -> [String]

    /// Records that checkpoints were deleted.
    func collected(_ checkpoints: [String], of name: String) async throws

    /// Events after a given one, oldest first.
    ///
    /// - Parameters:
    ///   - name: The experiment; none for all.
    ///   - last: The number of the last event known; none for all.
    ///   - limit: How many at most.
    /// - Returns: At most `limit` events.
    /// - Throws: A ``PBTError`` when the store cannot be read.
    func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event]

    /// Returns as soon as there may be an event after a given one, or when the time is over, whichever is first.
    ///
    /// - Parameters:
    ///   - last: The number of the last event known.
    ///   - time: How long to wait.
    /// - Throws: `CancellationError` when the task is cancelled.
    func waitForEvents(after last: Int64, for time: Duration) async throws

    /// The number of the newest event; 0 when there is none.
    func lastEvent() async throws -> Int64

    /// How many intervals wait, run, or are finished and wait for a late decision; 0 for an experiment whose manual queue is empty.
    func openIntervals(of name: String) async throws -> Int
}

extension Store {
    /// Edits what ``edit(_:)`` takes, as a store does that keeps no revisions.
    ///
    /// - Parameter experiment: The definition.
    /// - Returns: The definition as it is then, as the only revision.
    /// - Throws: What ``edit(_:)`` throws.
    public func revise(_ experiment: Experiment) async throws -> Revision {
        try await edit(experiment)
        return try await record(of: experiment.name).firstRevision
    }

    /// The present definition as the only revision.
    ///
    /// - Parameter name: The experiment.
    /// - Returns: One revision.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func revisions(of name: String) async throws -> [Revision] {
        [try await record(of: name).firstRevision]
    }

    /// Some intervals of an experiment, by member and index: chosen from all of them.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - selection: Which ones.
    /// - Returns: The intervals.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func intervals(of name: String, _ selection: IntervalSelection) async throws -> [Interval] {
        selection.chosen(from: try await intervals(of: name))
    }

    /// All intervals of an experiment, each time anew.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - cursor: Ignored.
    ///   - limit: Ignored.
    /// - Returns: The intervals.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func changes(of name: String, since cursor: ChangeCursor?, limit: Int) async throws -> Changes {
        let record = try await record(of: name)
        return Changes(
            intervals: try await intervals(of: name), cursor: ChangeCursor(experiment: record.id, number: 0),
            isReset: true,
            hasMore: false)
    }

    /// All intervals of an experiment that are new or were written to since one last looked.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - cursor: The ``Changes/cursor`` of the last response; nil to begin.
    /// - Returns: The intervals, and what to ask with the next time; see ``IntervalMirror``.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func changes(of name: String, since cursor: ChangeCursor?) async throws -> Changes {
        try await changes(of: name, since: cursor, limit: .max)
    }

    /// The intervals of an experiment that are being trained, by member and index: chosen from all of them.
    ///
    /// - Parameter name: The experiment.
    /// - Returns: The intervals that run.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func runningIntervals(of name: String) async throws -> [Interval] {
        try await intervals(of: name).filter { $0.state == .running }
    }

    /// Takes the waiting interval of the least trained member, or says why there is none.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - worker: Who asks.
    ///   - term: How long the lease lasts unless it is renewed; above 0.
    /// - Returns: An assignment, or why there is none.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func claim(from name: String, by worker: String, for term: Duration) async throws -> Claim {
        try await claim(1, from: name, by: worker, for: term, key: nil).first
    }
}
