// SPDX-License-Identifier: Apache-2.0

/// What a database must be able to do for a store, inside one transaction: rows in, rows out.
///
/// The rules of a store are written once, in the extensions of this protocol; a database brings these primitives.
/// Inside a transaction that writes, a database holds whatever lock makes what was read stay true until the end: the
/// only writer of SQLite, the locked experiment row of PostgreSQL.
///
/// Every check that can throw comes before the first write, so a store without rollback is possible.
package protocol Ledger {
    /// The store's time, the same during one transaction.
    var now: Timestamp { get }
    /// Whether no lease is to end in this transaction, whatever its time: see ``LeaseTime``.
    var isGrace: Bool { get }
    /// Whether the process of a worker is known to live on this machine.
    func isAlive(_ worker: String) -> Bool
    /// The strategies written in Swift.
    var strategies: Strategies { get }
    /// A secret that nobody can guess.
    func freshToken() -> String

    func record(named name: String) throws -> ExperimentRecord?
    func records() throws -> [ExperimentRecord]
    /// Inserts a record and returns it with its number.
    func insert(_ record: ExperimentRecord) throws -> ExperimentRecord
    /// Writes everything but the definition.
    func update(_ record: ExperimentRecord) throws
    /// Writes the definition and the number of its revision.
    func updateDefinition(_ record: ExperimentRecord) throws
    /// Inserts a revision; its number is not there yet.
    func insert(_ revision: Revision, in record: ExperimentRecord) throws
    /// The revisions, by number; none when the definition was never edited.
    func revisions(in record: ExperimentRecord) throws -> [Revision]
    /// Writes what else is kept with an experiment.
    func updateNotes(_ record: ExperimentRecord) throws
    /// Deletes an experiment with its intervals, standings and events.
    func delete(_ record: ExperimentRecord) throws

    func interval(_ id: IntervalID, in record: ExperimentRecord) throws -> Interval?
    /// All of them by member and index, or those of one index by member.
    func intervals(in record: ExperimentRecord, index: Int?) throws -> [Interval]
    /// The newest interval of each member, by member.
    func newest(in record: ExperimentRecord) throws -> [Interval]
    /// Those of a selection, by member and index.
    func intervals(in record: ExperimentRecord, _ selection: IntervalSelection) throws -> [Interval]
    /// The number of the last write to an interval, from 1; 0 when there was none.
    ///
    /// Each write to an interval, whatever it changes, gives it the next number of its experiment.
    func lastChange(in record: ExperimentRecord) throws -> Int64
    /// Those whose last write has a greater number than this, with that number, in its order.
    func changed(
        in record: ExperimentRecord, after number: Int64, limit: Int
    ) throws -> [(number: Int64, interval: Interval)]
    /// Inserts intervals that wait.
    func insert(_ intervals: [Interval], in record: ExperimentRecord) throws
    /// Writes everything of an interval that can change while it is trained: not parent, hyperparameters, changes,
    /// decided, label and notes.
    func update(_ interval: Interval, in record: ExperimentRecord) throws
    /// Writes the hyperparameters and changes of an interval.
    func updateHyperparameters(_ interval: Interval, in record: ExperimentRecord) throws
    /// Writes the label and notes of an interval.
    func updateNotes(_ interval: Interval, in record: ExperimentRecord) throws

    /// The interval of that label.
    func interval(labeled label: String, in record: ExperimentRecord) throws -> Interval?
    /// Intervals that have a label, by member and index, those after a given one.
    func labeled(in record: ExperimentRecord, after last: IntervalID?, limit: Int) throws -> [Interval]
    /// The waiting interval with a label that has the least index, of these the one with the least member; none that is
    /// reserved.
    func firstQueued(in record: ExperimentRecord) throws -> Interval?
    /// The finished interval without a decision that has the least index, of these the one that finished first.
    func firstUndecided(in record: ExperimentRecord) throws -> Interval?

    /// The waiting interval with the least index, of these the one with the fewest failures, then the least member.
    ///
    /// Not one that is reserved: a waiting interval whose lease has not run out yet is about to be begun by somebody.
    func firstWaiting(in record: ExperimentRecord, but excluded: Set<IntervalID>) throws -> Interval?
    /// Whether a worker has trained an interval that is done.
    func hasDone(_ worker: String, in record: ExperimentRecord) throws -> Bool
    /// The waiting interval of index 0 with no attempt and no change that has the least member.
    func firstUnbegunFounder(in record: ExperimentRecord) throws -> Interval?
    /// Running intervals whose lease has run out, or that a worker has.
    func running(in record: ExperimentRecord, expiredBy now: Timestamp?, worker: String?) throws -> [Interval]
    /// Whether a waiting or running interval continues this one.
    func hasOpenChild(_ parent: IntervalID, in record: ExperimentRecord) throws -> Bool
    /// The best done intervals, best first; of equal ones the one that finished first.
    func best(_ limit: Int, in record: ExperimentRecord) throws -> [IntervalID]
    /// The intervals of a member whose checkpoints are kept.
    func kept(ofMember member: Int, in record: ExperimentRecord) throws -> [Interval]
    /// Names of checkpoints that are garbage.
    func garbage(in record: ExperimentRecord) throws -> [String]
    /// Turns garbage into deleted.
    func markDeleted(_ checkpoints: [String], in record: ExperimentRecord) throws

    /// The members that can be ranked, as of now.
    func standings(of record: ExperimentRecord) throws -> Standings
    /// Sets or clears (nil) how a member stands. `record.finishedIntervals` is the number of the interval that
    /// finishes.
    func setStanding(_ standing: Population.Member?, ofMember member: Int, in record: ExperimentRecord) throws

    /// Appends an event and returns its number.
    func append(
        _ kind: Event.Kind, _ interval: IntervalID?, _ details: [String: Value], in record: ExperimentRecord
    ) throws
    func events(of name: String?, after last: Int64?, limit: Int) throws -> [Event]
    func lastEvent() throws -> Int64
}

extension Ledger {
    /// The first waiting interval of all.
    package func firstWaiting(in record: ExperimentRecord) throws -> Interval? {
        try firstWaiting(in: record, but: [])
    }
}
