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
    /// Sets or clears (nil) how a member stands. `record.finishedIntervals` is the number of the interval that finishes.
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

/// The population of one experiment as of a number of finished intervals, kept between transactions.
///
/// A class, so that looking at 10,000 members copies none of them. Used by one transaction at a time.
package final class Standings {
    /// The members that can be ranked.
    package var population: Population
    /// How many intervals of the experiment had finished then.
    package var revision: Int64
    /// The number of the definition's revision by which they stand.
    package var definition: Int

    package init(population: Population, revision: Int64, definition: Int) {
        self.population = population
        self.revision = revision
        self.definition = definition
    }

    /// An empty population of an experiment.
    package convenience init(of record: ExperimentRecord) {
        self.init(
            population: Population(record.experiment), revision: 0, definition: record.revisionNumber)
    }

    /// Whether they stand by this definition; else they are to be read again.
    package func isCurrent(for record: ExperimentRecord) -> Bool {
        definition == record.revisionNumber && population.objective == record.experiment.objective
    }

    /// Sets or clears how a member stands.
    package func set(_ standing: Population.Member?, ofMember member: Int) {
        if let standing { population.update(standing) } else { population.remove(member) }
    }
}

/// A store that can make a change depend on what an experiment is at that very moment.
package protocol ConditionalStore: Store {
    /// ``Store/edit(_:)``, unless the condition throws.
    func edit(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void) async throws
    /// ``Store/revise(_:)``, unless the condition throws.
    func revise(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws -> Revision
    /// ``Store/remove(_:)``, unless the condition throws.
    func remove(_ name: String, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void) async throws
}

/// A store whose calls are transactions over a ``Ledger``.
package protocol TransactionalStore: ConditionalStore {
    associatedtype Rows: Ledger

    /// Runs a transaction that may write, alone. When it throws, nothing was written.
    ///
    /// - Parameters:
    ///   - isDurable: Whether what was written must survive a power cut once this returns. What only hands out work
    ///     need not: after a power cut the work is handed out again.
    ///   - body: The transaction.
    /// - Returns: What the body returns.
    /// - Throws: What the body throws, and a ``PBTError`` when the database fails.
    func write<Result: Sendable>(
        durable isDurable: Bool, _ body: @escaping @Sendable (Rows) throws -> Result
    ) async throws -> Result

    /// Runs a transaction that only reads.
    func read<Result: Sendable>(_ body: @escaping @Sendable (Rows) throws -> Result) async throws -> Result
}

extension TransactionalStore {
    /// See ``Store/create(_:)``.
    public func create(_ experiment: Experiment) async throws -> ExperimentRecord {
        try await write(durable: true) { try $0.create(experiment) }
    }

    /// See ``Store/experiments()``.
    public func experiments() async throws -> [ExperimentRecord] {
        try await read { try $0.records() }
    }

    /// See ``Store/record(of:)``.
    public func record(of name: String) async throws -> ExperimentRecord {
        try await read { try $0.existing(name) }
    }

    /// See ``Store/edit(_:)``.
    public func edit(_ experiment: Experiment) async throws {
        try await write(durable: true) { try $0.edit(experiment) }
    }

    /// See ``Store/revise(_:)``.
    public func revise(_ experiment: Experiment) async throws -> Revision {
        try await write(durable: true) { try $0.revise(experiment) }
    }

    /// See ``Store/revisions(of:)``.
    public func revisions(of name: String) async throws -> [Revision] {
        try await read { ledger in
            let record = try ledger.existing(name)
            let revisions = try ledger.revisions(in: record)
            return revisions.isEmpty ? [record.firstRevision] : revisions
        }
    }

    /// See ``Store/intervals(of:)``.
    public func intervals(of name: String) async throws -> [Interval] {
        try await read { try $0.intervals(in: $0.existing(name), index: nil) }
    }

    /// See ``Store/intervals(of:_:)``.
    public func intervals(of name: String, _ selection: IntervalSelection) async throws -> [Interval] {
        try await read { try $0.intervals(in: $0.existing(name), selection) }
    }

    /// See ``Store/changes(of:since:limit:)``.
    public func changes(of name: String, since cursor: ChangeCursor?, limit: Int) async throws -> Changes {
        try await read { ledger in
            let record = try ledger.existing(name)
            let last = try ledger.lastChange(in: record)
            // A cursor from before the store was restored from an older copy is not valid.
            let known = cursor.flatMap { $0.experiment == record.id && $0.number <= last ? $0.number : nil }
            if known == nil, limit == .max {
                return Changes(
                    intervals: try ledger.intervals(in: record, index: nil),
                    cursor: ChangeCursor(experiment: record.id, number: last), isReset: true, hasMore: false)
            }
            let changed = try ledger.changed(in: record, after: known ?? 0, limit: limit)
            let number = changed.last?.number ?? known ?? 0
            return Changes(
                intervals: changed.map(\.interval), cursor: ChangeCursor(experiment: record.id, number: number),
                isReset: known == nil, hasMore: number < last)
        }
    }

    /// See ``Store/runningIntervals(of:)``.
    public func runningIntervals(of name: String) async throws -> [Interval] {
        try await read { try $0.running(in: $0.existing(name), expiredBy: nil, worker: nil) }
    }

    /// See ``Store/interval(_:of:)``.
    public func interval(_ id: IntervalID, of name: String) async throws -> Interval {
        try await read { try $0.existing(id, in: $0.existing(name)) }
    }

    /// See ``Store/claim(_:from:by:for:key:)``.
    public func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims {
        let claims = try await write(durable: false) {
            try $0.claimWithoutDeciding(count, from: name, by: worker, for: term, key: key)
        }
        if let claims { return claims }
        return try await write(durable: true) { try $0.claim(count, from: name, by: worker, for: term, key: key) }
    }

    /// See ``Store/renew(_:for:)``.
    public func renew(_ lease: Lease, for term: Duration) async throws -> Lease {
        try await write(durable: false) { try $0.renew(lease, for: term) }
    }

    /// See ``Store/report(_:_:)``.
    public func report(_ lease: Lease, _ metrics: [String: Value]) async throws {
        try await write(durable: false) { try $0.report(lease, metrics) }
    }

    /// See ``Store/finish(_:_:)``.
    public func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished {
        try await write(durable: true) { try $0.finish(lease, outcome) }
    }

    /// See ``Store/release(_:because:)``.
    public func release(_ lease: Lease, because reason: String) async throws {
        try await write(durable: false) { try $0.release(lease, because: reason) }
    }

    /// See ``Store/abandon(worker:of:because:)``.
    public func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID] {
        try await write(durable: false) { try $0.abandon(worker: worker, of: name, because: reason) }
    }

    /// See ``Store/push(_:to:)``.
    public func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval {
        try await write(durable: true) { try $0.push(hyperparameters, to: name) }
    }

    /// See ``Store/pause(_:)``.
    public func pause(_ name: String) async throws {
        try await write(durable: true) { try $0.pause(name) }
    }

    /// See ``Store/resume(_:)``.
    public func resume(_ name: String) async throws {
        try await write(durable: true) { try $0.resume(name) }
    }

    /// See ``Store/stop(_:because:)``.
    public func stop(_ name: String, because reason: String) async throws {
        try await write(durable: true) { try $0.stop(name, because: reason) }
    }

    /// See ``Store/remove(_:)``.
    public func remove(_ name: String) async throws {
        try await write(durable: true) { try $0.remove(name) }
    }

    /// Lets no lease end earlier than after a given time from now.
    package func extendLeases(for time: Duration) async throws {
        try await write(durable: false) { try $0.extendLeases(for: time) }
    }

    package func edit(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws {
        try await write(durable: true) { ledger in
            try condition(ledger.existing(experiment.name))
            try ledger.edit(experiment)
        }
    }

    package func revise(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws -> Revision {
        try await write(durable: true) { ledger in
            try condition(ledger.existing(experiment.name))
            return try ledger.revise(experiment)
        }
    }

    package func remove(
        _ name: String, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws {
        try await write(durable: true) { ledger in
            try condition(ledger.existing(name))
            try ledger.remove(name)
        }
    }

    /// See ``Store/pin(_:of:_:)``.
    public func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws {
        try await write(durable: true) { try $0.pin(id, of: name, isPinned) }
    }

    /// See ``Store/garbage(of:)``.
    public func garbage(of name: String) async throws -> [String] {
        try await read { try $0.garbage(in: $0.existing(name)) }
    }

    /// See ``Store/collected(_:of:)``.
    public func collected(_ checkpoints: [String], of name: String) async throws {
        guard !checkpoints.isEmpty else { return }
        try await write(durable: false) { try $0.markDeleted(checkpoints, in: $0.existing(name)) }
    }

    /// See ``Store/events(of:after:limit:)``.
    public func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event] {
        try await read { try $0.events(of: name, after: last, limit: limit) }
    }

    /// See ``Store/lastEvent()``.
    public func lastEvent() async throws -> Int64 {
        try await read { try $0.lastEvent() }
    }

    /// See ``Store/openIntervals(of:)``.
    public func openIntervals(of name: String) async throws -> Int {
        let record = try await record(of: name)
        return (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0) + record.undecided
    }
}
