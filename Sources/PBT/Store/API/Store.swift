// SPDX-License-Identifier: Apache-2.0

/// A storage backend for experiments: memory, a SQLite file, a database server, or a `pbt` server.
///
/// Any number of processes may use one store concurrently, without a coordinator. Every store guarantees:
/// - Calls are atomic, and as durable when they return as the store documents.
/// - At most one worker has a live lease on an interval. A write under a lease that is no longer the interval's fails
///   with ``PBTError/Code/leaseLost`` and changes nothing.
/// - Finishing an interval, the decision about its member, the member's next interval, the event, and the checkpoints
///   that become garbage are one transaction.
/// - A checkpoint is garbage only if no possible donor, no waiting or running interval, none of the best intervals, and
///   no pin references it.
/// - Time is the store's; the clocks of workers do not matter.
///
/// A cancelled call may or may not have taken effect; read the store to find out. `PBTTesting` contains the test suite
/// that every store passes.
public protocol Store: Sendable {
    /// Creates an experiment with its founders, and returns it.
    ///
    /// - Throws: ``PBTError/Code/alreadyExists`` if the name is taken, ``PBTError/Code/noSuchStrategy``.
    func create(_ experiment: Experiment) async throws -> ExperimentRecord

    /// Returns all experiments, in order of creation.
    func experiments() async throws -> [ExperimentRecord]

    /// Returns an experiment.
    ///
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func record(of name: String) async throws -> ExperimentRecord

    /// Replaces the parts of a definition that do not affect the search: trainer, retries, stop, keep.
    ///
    /// - Throws: ``PBTError/Code/alreadyExists`` if anything else differs; the message names the differences.
    func edit(_ experiment: Experiment) async throws

    /// Edits a definition: more or fewer intervals, more members, another space, other rules, another seed.
    ///
    /// Running intervals finish as they were claimed; the next decision uses the new definition. Members that had ended
    /// and have intervals left now get their next one, and an experiment that had ended and has intervals left to train
    /// runs again if its space, rules, budget, or stop conditions changed. Each edit is recorded as a ``Revision``. A
    /// store without revisions accepts the same edits as ``edit(_:)``.
    ///
    /// - Returns: The revision now in force; the existing one if nothing differs.
    /// - Throws: ``PBTError/Code/wrongState`` for a change that is not possible, with the old and the new value;
    ///   ``PBTError/Code/noSuchExperiment``, ``PBTError/Code/badExperiment``, ``PBTError/Code/noSuchStrategy``.
    func revise(_ experiment: Experiment) async throws -> Revision

    /// Returns the revisions of a definition, by number: at least the one that the experiment was created with.
    ///
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func revisions(of name: String) async throws -> [Revision]

    /// Returns all intervals of an experiment, by member and index.
    func intervals(of name: String) async throws -> [Interval]

    /// Returns the selected intervals of an experiment, by member and index.
    ///
    /// The default implementation filters ``intervals(of:)``.
    ///
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func intervals(of name: String, _ selection: IntervalSelection) async throws -> [Interval]

    /// Reads the change feed: the intervals that were created or written to since a cursor, from one snapshot.
    ///
    /// The default implementation returns all of ``intervals(of:)`` each time.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - cursor: The ``Changes/cursor`` of the last response; nil to begin.
    ///   - limit: The maximum number of intervals, at least 1. The least recently written come first.
    /// - Returns: The intervals and the next cursor; see ``IntervalMirror``.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func changes(of name: String, since cursor: ChangeCursor?, limit: Int) async throws -> Changes

    /// Returns the running intervals of an experiment, by member and index.
    ///
    /// The default implementation filters ``intervals(of:)``.
    func runningIntervals(of name: String) async throws -> [Interval]

    /// Returns an interval.
    ///
    /// - Throws: ``PBTError/Code/noSuchInterval``.
    func interval(_ id: IntervalID, of name: String) async throws -> Interval

    /// Claims waiting intervals, those of the least trained members first.
    ///
    /// If decisions are late and nothing is waiting, decides about a finished interval and claims the next one. An open
    /// random search always has one more founder.
    ///
    /// - Parameters:
    ///   - count: The maximum number of intervals; above 0, capped at 1000.
    ///   - name: The experiment.
    ///   - worker: The name of the worker.
    ///   - term: The duration of the leases unless they are renewed; above 0.
    ///   - key: An idempotency key: a secret of the caller, new for each claim. A claim whose response got lost may be
    ///     repeated: as long as its intervals are leased, the same key returns the same intervals.
    /// - Returns: The claimed intervals, and the experiment in its present state.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims

    /// Extends a lease to `term` from now.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``: stop training, the interval is no longer this worker's.
    func renew(_ lease: Lease, for term: Duration) async throws -> Lease

    /// Records the latest metrics of a running interval, replacing those recorded before.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``.
    func report(_ lease: Lease, _ metrics: [String: Value]) async throws

    /// Records the outcome of an attempt, decides about the member, and creates its next interval.
    ///
    /// Idempotent: for an attempt that this lease has already finished, the result contains the interval in its present
    /// state, no decisions, and all present garbage; nothing is recorded twice.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``, or ``PBTError/Code/badValue`` for a finite score without a checkpoint or
    ///   a checkpoint whose name is not this attempt's (``CheckpointName``). Nothing is recorded then.
    func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished

    /// Releases an interval untrained because the worker was asked to stop. Does not count as a retry.
    ///
    /// - Throws: ``PBTError/Code/leaseLost``.
    func release(_ lease: Lease, because reason: String) async throws

    /// Ends all leases of a worker that is known to be dead, before they expire. Each counts as a failed attempt.
    ///
    /// - Returns: The intervals that the worker had leased.
    func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID]

    /// Queues hyperparameters by hand.
    ///
    /// In a manual or open search they become a new member. Otherwise the first founder that is neither started nor
    /// queued by hand gets them; names that are not given keep their sampled values.
    ///
    /// - Returns: The interval that will train with them.
    /// - Throws: ``PBTError/Code/badValue`` for values outside the space, ``PBTError/Code/wrongState`` if no such
    ///   founder is left.
    func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval

    /// Pauses an experiment: running intervals finish, and no new ones are claimed until ``resume(_:)``.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` if it has ended.
    func pause(_ name: String) async throws

    /// Resumes an experiment that was paused or has failed.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` if it is finished.
    func resume(_ name: String) async throws

    /// Ends an experiment permanently. Leases of running intervals are lost.
    func stop(_ name: String, because reason: String) async throws

    /// Deletes an experiment with its intervals and events. Deleting its files is up to the caller.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` while intervals are running.
    func remove(_ name: String) async throws

    /// Pins an interval's checkpoint, so that it is kept, or unpins it.
    ///
    /// - Throws: ``PBTError/Code/wrongState`` if there is no longer a checkpoint to pin.
    func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws

    /// Returns the names of unreferenced checkpoints that are not yet recorded as deleted.
    func garbage(of name: String) async throws -> [String]

    /// Records that checkpoints were deleted.
    func collected(_ checkpoints: [String], of name: String) async throws

    /// Returns events after a given one, oldest first.
    ///
    /// - Parameters:
    ///   - name: The experiment; nil for all.
    ///   - last: The number of the last known event; nil for all.
    ///   - limit: The maximum number of events.
    /// - Returns: At most `limit` events.
    /// - Throws: A ``PBTError`` if the store cannot be read.
    func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event]

    /// Waits until there may be an event after a given one, or for a given time, whichever is shorter.
    ///
    /// - Parameters:
    ///   - last: The number of the last known event.
    ///   - time: The maximum time to wait.
    /// - Throws: `CancellationError` if the task is cancelled.
    func waitForEvents(after last: Int64, for time: Duration) async throws

    /// Returns the number of the newest event, or 0 if there is none.
    func lastEvent() async throws -> Int64

    /// Returns the number of intervals that are waiting, running, or finished and awaiting a late decision.
    ///
    /// 0 for a manual search whose queue is empty.
    func openIntervals(of name: String) async throws -> Int
}

extension Store {
    /// Edits a definition with ``edit(_:)``, for a store without revisions.
    ///
    /// - Parameter experiment: The definition.
    /// - Returns: The resulting definition as the only revision.
    /// - Throws: The errors of ``edit(_:)``.
    public func revise(_ experiment: Experiment) async throws -> Revision {
        try await edit(experiment)
        return try await record(of: experiment.name).firstRevision
    }

    /// Returns the present definition as the only revision.
    ///
    /// - Parameter name: The experiment.
    /// - Returns: One revision.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func revisions(of name: String) async throws -> [Revision] {
        [try await record(of: name).firstRevision]
    }

    /// Returns the selected intervals of an experiment, by member and index, by filtering all of them.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - selection: The selection.
    /// - Returns: The intervals.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func intervals(of name: String, _ selection: IntervalSelection) async throws -> [Interval] {
        selection.chosen(from: try await intervals(of: name))
    }

    /// Returns all intervals of an experiment, each time.
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

    /// Reads the change feed without a limit: all intervals that were created or written to since a cursor.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - cursor: The ``Changes/cursor`` of the last response; nil to begin.
    /// - Returns: The intervals and the next cursor; see ``IntervalMirror``.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func changes(of name: String, since cursor: ChangeCursor?) async throws -> Changes {
        try await changes(of: name, since: cursor, limit: .max)
    }

    /// Returns the running intervals of an experiment, by member and index, by filtering all of them.
    ///
    /// - Parameter name: The experiment.
    /// - Returns: The running intervals.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func runningIntervals(of name: String) async throws -> [Interval] {
        try await intervals(of: name).filter { $0.state == .running }
    }

    /// Claims the waiting interval of the least trained member.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - worker: The name of the worker.
    ///   - term: The duration of the lease unless it is renewed; above 0.
    /// - Returns: An assignment, or the reason why there is none.
    /// - Throws: ``PBTError/Code/noSuchExperiment``.
    public func claim(from name: String, by worker: String, for term: Duration) async throws -> Claim {
        try await claim(1, from: name, by: worker, for: term, key: nil).first
    }
}
