// SPDX-License-Identifier: Apache-2.0

/// The primitives that a database provides to a store inside one transaction: reading and writing rows.
///
/// The rules of a store are implemented once, in extensions of this protocol. A transaction that writes must be
/// isolated from other writers of the experiment until it ends: by the single writer of SQLite, or by locking the
/// experiment's row in PostgreSQL.
///
/// Every check that can throw comes before the first write, so a store without rollback is possible.
package protocol Ledger {
    /// The store's time; constant during a transaction.
    var now: Timestamp { get }
    /// True if no lease may expire in this transaction, regardless of the time: see ``LeaseTime``.
    var isGrace: Bool { get }
    /// Returns true if the process of a worker is known to be alive on this machine.
    func isAlive(_ worker: String) -> Bool
    /// The strategies written in Swift.
    var strategies: Strategies { get }
    /// Returns a new unguessable secret.
    func freshToken() -> String

    func record(named name: String) throws -> ExperimentRecord?
    func records() throws -> [ExperimentRecord]
    /// Inserts a record and returns it with its number.
    func insert(_ record: ExperimentRecord) throws -> ExperimentRecord
    /// Writes everything but the definition.
    func update(_ record: ExperimentRecord) throws
    /// Writes the definition and the number of its revision.
    func updateDefinition(_ record: ExperimentRecord) throws
    /// Inserts a revision with a new number.
    func insert(_ revision: Revision, in record: ExperimentRecord) throws
    /// Returns the revisions, by number; empty if the definition was never edited.
    func revisions(in record: ExperimentRecord) throws -> [Revision]
    /// Writes the notes of an experiment.
    func updateNotes(_ record: ExperimentRecord) throws
    /// Deletes an experiment with its intervals, standings and events.
    func delete(_ record: ExperimentRecord) throws

    func interval(_ id: IntervalID, in record: ExperimentRecord) throws -> Interval?
    /// Returns all intervals by member and index, or those of one index by member.
    func intervals(in record: ExperimentRecord, index: Int?) throws -> [Interval]
    /// Returns the newest interval of each member, by member.
    func newest(in record: ExperimentRecord) throws -> [Interval]
    /// Returns the selected intervals, by member and index.
    func intervals(in record: ExperimentRecord, _ selection: IntervalSelection) throws -> [Interval]
    /// Returns the number of the last write to an interval, from 1; 0 if there was none.
    ///
    /// Every write to an interval, whatever it changes, assigns it the next number of its experiment.
    func lastChange(in record: ExperimentRecord) throws -> Int64
    /// Returns the intervals whose last write has a greater number than this, with that number, in its order.
    func changed(
        in record: ExperimentRecord, after number: Int64, limit: Int
    ) throws -> [(number: Int64, interval: Interval)]
    /// Inserts waiting intervals.
    func insert(_ intervals: [Interval], in record: ExperimentRecord) throws
    /// Writes the properties of an interval that can change after its creation: all but parent, hyperparameters,
    /// changes, decided, label, and notes.
    func update(_ interval: Interval, in record: ExperimentRecord) throws
    /// Writes the hyperparameters and changes of an interval.
    func updateHyperparameters(_ interval: Interval, in record: ExperimentRecord) throws
    /// Writes the label and notes of an interval.
    func updateNotes(_ interval: Interval, in record: ExperimentRecord) throws

    /// Returns the interval with a label.
    func interval(labeled label: String, in record: ExperimentRecord) throws -> Interval?
    /// Returns the labeled intervals after a given one, by member and index.
    func labeled(in record: ExperimentRecord, after last: IntervalID?, limit: Int) throws -> [Interval]
    /// Returns the waiting, labeled, unreserved interval with the least index; among those, the one with the least
    /// member.
    func firstQueued(in record: ExperimentRecord) throws -> Interval?
    /// Returns the undecided interval with the least index; among those, the one that finished first.
    func firstUndecided(in record: ExperimentRecord) throws -> Interval?

    /// Returns the waiting interval with the least index; among those, the one with the fewest failures, then the least
    /// member.
    ///
    /// Skips reserved intervals: a waiting interval whose lease has not expired is about to be started by its holder.
    func firstWaiting(in record: ExperimentRecord, but excluded: Set<IntervalID>) throws -> Interval?
    /// Returns true if a worker has trained an interval that is done.
    func hasDone(_ worker: String, in record: ExperimentRecord) throws -> Bool
    /// Returns the waiting interval of index 0 without attempts and changes that has the least member.
    func firstUnstartedFounder(in record: ExperimentRecord) throws -> Interval?
    /// Returns the running intervals, optionally only those whose lease has expired or that a worker holds.
    func running(in record: ExperimentRecord, expiredBy now: Timestamp?, worker: String?) throws -> [Interval]
    /// Returns true if a waiting or running interval continues this one.
    func hasOpenChild(_ parent: IntervalID, in record: ExperimentRecord) throws -> Bool
    /// Returns the best done intervals, best first, in the order of ``Objective/prefers(_:to:)``.
    func best(_ limit: Int, in record: ExperimentRecord) throws -> [IntervalID]
    /// Returns the intervals of a member whose checkpoints are kept.
    func kept(ofMember member: Int, in record: ExperimentRecord) throws -> [Interval]
    /// Returns the names of checkpoints that are garbage.
    func garbage(in record: ExperimentRecord) throws -> [String]
    /// Marks garbage checkpoints as deleted.
    func markDeleted(_ checkpoints: [String], in record: ExperimentRecord) throws

    /// Returns the members that can be ranked, in their present state.
    func standings(of record: ExperimentRecord) throws -> Standings
    /// Sets or clears (nil) the standing of a member.
    ///
    /// `record.finishedIntervals` is the sequence number of the finishing interval.
    func setStanding(_ standing: Population.Member?, ofMember member: Int, in record: ExperimentRecord) throws

    /// Returns the generations of an experiment whose decisions wait for certainty, with all finished intervals.
    func generations(of record: ExperimentRecord) throws -> Generations

    /// Appends an event.
    func append(
        _ kind: Event.Kind, _ interval: IntervalID?, _ details: [String: Value], in record: ExperimentRecord
    ) throws
    func events(of name: String?, after last: Int64?, limit: Int) throws -> [Event]
    func lastEvent() throws -> Int64
}

extension Ledger {
    /// Returns the first waiting interval, without exclusions.
    package func firstWaiting(in record: ExperimentRecord) throws -> Interval? {
        try firstWaiting(in: record, but: [])
    }
}
