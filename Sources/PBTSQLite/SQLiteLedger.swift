// SPDX-License-Identifier: Apache-2.0

import GRDB
package import PBT

/// The rows of a SQLite store inside one transaction.
package final class SQLiteLedger: Ledger {
    /// A connection's cache across transactions.
    final class Cache {
        /// Parsed definitions with their versions, by experiment.
        var definitions: [Int64: (version: Int64, experiment: Experiment)] = [:]
        var standings: [Int64: Standings] = [:]
        var generations: [Int64: Generations] = [:]
        var isDurable: Bool?

        /// Invalidates everything that a rolled-back transaction may have changed.
        func forget() {
            standings = [:]
            generations = [:]
            definitions = [:]
        }
    }

    let db: Database
    let cache: Cache
    /// The time of day and its difference from the time of leases.
    let time: LeaseTime.Reading
    private let liveness: @Sendable (String) -> Bool
    package let strategies: Strategies
    /// Experiments whose standings are up to date in this transaction.
    private var upToDate: Set<Int64> = []
    /// The number of the last event appended.
    private(set) var appended: Int64 = 0

    init(
        db: Database, cache: Cache, time: LeaseTime.Reading, strategies: Strategies,
        isAlive liveness: @escaping @Sendable (String) -> Bool
    ) {
        self.db = db
        self.cache = cache
        self.time = time
        self.strategies = strategies
        self.liveness = liveness
    }

    package var now: Timestamp { time.now }
    package var isGrace: Bool { time.isGrace }

    package func isAlive(_ worker: String) -> Bool {
        liveness(worker)
    }

    /// Converts a stored time of leases to the time of day.
    func fromLeaseTime(_ milliseconds: Int64) -> Timestamp {
        Timestamp(milliseconds: milliseconds &+ time.skew)
    }

    /// Converts a time of day to the time of leases, as it is stored.
    func inLeaseTime(_ time: Timestamp) -> Int64 {
        time.milliseconds &- self.time.skew
    }

    package func freshToken() -> String {
        var secrets = SystemRandomNumberGenerator()
        return String(secrets.next(), radix: 16) + String(secrets.next(), radix: 16)
    }

    /// Runs a cached prepared statement.
    func run(_ sql: String, _ values: [(any ParameterValue)?]) throws {
        try db.run(sql, values)
    }

    /// Returns the first row of a cached query.
    func first<Result>(
        _ sql: String, _ values: [(any ParameterValue)?], _ read: (Columns) throws -> Result
    ) throws -> Result? {
        var result: Result?
        try db.run(sql, values) {
            result = try read($0)
            return false
        }
        return result
    }

    /// Returns all rows of a cached query.
    func all<Result>(
        _ sql: String, _ values: [(any ParameterValue)?], _ read: (Columns) throws -> Result
    ) throws -> [Result] {
        var results: [Result] = []
        try db.run(sql, values) {
            results.append(try read($0))
            return true
        }
        return results
    }

    // MARK: Experiments

    private static let recordColumns = """
        id, definition, definition_version, state, reason, created, ended, waiting, running, done, diverged, failed,
        best_member, best_index, best_score, members_ended, skipped, failures_in_a_row, finished_intervals, generation,
        generation_began, undecided, late_decisions, notes, suspects, revision, limit_began
        """

    package func record(named name: String) throws -> ExperimentRecord? {
        try first("SELECT \(Self.recordColumns) FROM experiment WHERE name = ?", [name], record)
    }

    package func records() throws -> [ExperimentRecord] {
        try all("SELECT \(Self.recordColumns) FROM experiment ORDER BY id", [], record)
    }

    private func record(_ row: Columns) throws -> ExperimentRecord {
        let id: Int64 = row[0]
        let experiment = try definition(of: id, version: row[2], text: { row[1] })
        guard let state = ExperimentRecord.State(rawValue: row[3]) else {
            throw PBTError(.inconsistent, "experiment \(id) has the unknown state \(row[3] as String)")
        }
        var counts: [Interval.State: Int] = [:]
        for (i, state) in Schema.states.enumerated() {
            counts[state] = row[7 + Int32(i)]
        }
        var record = ExperimentRecord(
            id: id, experiment: experiment, state: state, created: Timestamp(milliseconds: row[5]), counts: counts,
            membersEnded: row[15], skipped: row[16], failuresInARow: row[17], finishedIntervals: row[18],
            generation: row[19], generationBegan: fromLeaseTime(row[20]))
        if let began: Int64 = row[26] { record.limitBegan = fromLeaseTime(began) }
        record.reason = row[4]
        record.ended = (row[6] as Int64?).map { Timestamp(milliseconds: $0) }
        record.best = intervalID(row[12], row[13])
        record.bestScore = row[14]
        record.undecided = row[21]
        record.lateDecisions = row[22]
        record.notes = try object(Array(row.bytes(23))) ?? [:]
        record.revisionNumber = row[25]
        record.suspects = (try object(Array(row.bytes(24))) ?? [:]).mapValues { Suspect(value: $0) }
        if let complaint = record.limitComplaint {
            throw PBTError(
                .inconsistent, "the store's row of experiment \"\(experiment.name)\" is damaged: \(complaint)")
        }
        return record
    }

    private func definition(of id: Int64, version: Int64, text: () -> String) throws -> Experiment {
        if let known = cache.definitions[id], known.version == version { return known.experiment }
        do {
            let experiment = try Experiment(
                document: Document(Value(json: text())), directory: ".", isStored: true)
            cache.definitions[id] = (version, experiment)
            return experiment
        } catch {
            throw PBTError(.inconsistent, "the stored definition of experiment \(id) cannot be read: \(error)")
        }
    }

    package func insert(_ record: ExperimentRecord) throws -> ExperimentRecord {
        try run(
            """
            INSERT INTO experiment (name, definition, state, created, generation_began, limit_began, notes)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                record.experiment.name, record.experiment.value.json, record.state.rawValue,
                record.created.milliseconds, inLeaseTime(record.generationBegan), inLeaseTime(record.limitBegan),
                record.notes.isEmpty ? nil : Value.object(record.notes).json,
            ])
        var record = record
        record.id = db.lastInsertedRowID
        return record
    }

    package func update(_ record: ExperimentRecord) throws {
        try run(
            """
            UPDATE experiment SET state = ?, reason = ?, ended = ?, waiting = ?, running = ?, done = ?, diverged = ?,
                failed = ?, best_member = ?, best_index = ?, best_score = ?, members_ended = ?, skipped = ?,
                failures_in_a_row = ?, finished_intervals = ?, generation = ?, generation_began = ?,
                undecided = ?, late_decisions = ?, suspects = ?
            WHERE id = ?
            """,
            [
                record.state.rawValue, record.reason, record.ended?.milliseconds, record.counts[.waiting] ?? 0,
                record.counts[.running] ?? 0, record.counts[.done] ?? 0, record.counts[.diverged] ?? 0,
                record.counts[.failed] ?? 0, record.best?.member, record.best?.index, record.bestScore,
                record.membersEnded, record.skipped, record.failuresInARow, record.finishedIntervals,
                record.generation, inLeaseTime(record.generationBegan), record.undecided, record.lateDecisions,
                record.suspects.isEmpty ? nil : Value.object(record.suspects.mapValues(\.value)).json, record.id,
            ])
        // The changes of this transaction need not be read again, provided that all before it were read.
        if upToDate.contains(record.id) { cache.standings[record.id]?.revision = record.revision }
    }

    package func updateDefinition(_ record: ExperimentRecord) throws {
        try run(
            """
            UPDATE experiment SET definition = ?, definition_version = definition_version + 1, revision = ?
            WHERE id = ?
            """,
            [record.experiment.value.json, record.revisionNumber, record.id])
    }

    package func insert(_ revision: Revision, in record: ExperimentRecord) throws {
        try run(
            """
            INSERT INTO revision (experiment, number, time, finished_intervals, late_decisions, definition)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                record.id, revision.number, revision.time.milliseconds, revision.after, revision.order,
                revision.experiment.value.json,
            ])
    }

    package func revisions(in record: ExperimentRecord) throws -> [Revision] {
        try all(
            """
            SELECT number, time, finished_intervals, late_decisions, definition FROM revision
            WHERE experiment = ? ORDER BY number
            """, [record.id]
        ) { row in
            let number: Int = row[0]
            let experiment: Experiment
            do {
                experiment = try Experiment(
                    document: Document(Value(json: row[4] as String)), directory: ".", isStored: true)
            } catch {
                throw PBTError(
                    .inconsistent,
                    "revision \(number) of the stored definition of experiment \(record.id) cannot be read: \(error)")
            }
            return Revision(
                number: number, time: Timestamp(milliseconds: row[1]), experiment: experiment, after: row[2],
                order: row[3])
        }
    }

    package func updateNotes(_ record: ExperimentRecord) throws {
        try run(
            "UPDATE experiment SET notes = ? WHERE id = ?",
            [record.notes.isEmpty ? nil : Value.object(record.notes).json, record.id])
    }

    package func delete(_ record: ExperimentRecord) throws {
        for table in ["revision", "event", "standing", "interval"] {
            try run("DELETE FROM \(table) WHERE experiment = ?", [record.id])
        }
        try run("DELETE FROM experiment WHERE id = ?", [record.id])
        cache.forget()
    }

    func intervalID(_ member: Int?, _ index: Int?) -> IntervalID? {
        guard let member, let index else { return nil }
        return IntervalID(member: member, index: index)
    }

    // MARK: Standings

    package func standings(of record: ExperimentRecord) throws -> Standings {
        upToDate.insert(record.id)
        // With another revision of the definition everything is read again: it may have replaced members, and ties,
        // windows, and ranks depend on its seed and rule.
        if let known = cache.standings[record.id], known.isCurrent(for: record) {
            if known.revision < record.revision {
                try catchUp(known, of: record)
                known.revision = record.revision
            }
            known.population.declaredSize = record.experiment.population
            return known
        }
        let standings = Standings(of: record)
        try catchUp(standings, of: record)
        standings.revision = record.revision
        cache.standings[record.id] = standings
        return standings
    }

    /// Reads the standings that changed since they were last read, in this process or another.
    private func catchUp(_ standings: Standings, of record: ExperimentRecord) throws {
        let changed = try all(
            """
            SELECT s.member, s.idx, i.depth, i.score, i.hyperparameters
            FROM standing AS s LEFT JOIN interval AS i
                ON i.experiment = s.experiment AND i.member = s.member AND i.idx = s.idx
            WHERE s.experiment = ? AND s.revision >= ?
            """, [record.id, standings.revision]
        ) { row -> (Int, Population.Member?) in
            let member: Int = row[0]
            if let complaint = IntervalID(member: member, index: row[1] ?? 0).limitComplaint {
                throw PBTError(.inconsistent, "a standing in the store is damaged: \(complaint)")
            }
            guard let index: Int = row[1], let score: Double = row[3], score.isFinite else {
                return (member, nil)
            }
            return (
                member,
                Population.Member(
                    id: member, index: index, depth: row[2], score: score,
                    hyperparameters: Hyperparameters(try object(Array(row.bytes(4))) ?? [:]))
            )
        }
        for (member, standing) in changed {
            standings.set(try standing.map { try self.standing(rebuilding: $0, in: record) }, ofMember: member)
        }
    }

    package func setStanding(_ standing: Population.Member?, ofMember member: Int, in record: ExperimentRecord) throws {
        try run(
            """
            INSERT INTO standing (experiment, member, idx, revision) VALUES (?, ?, ?, ?)
            ON CONFLICT (experiment, member) DO UPDATE SET idx = excluded.idx, revision = excluded.revision
            """, [record.id, member, standing?.index, record.revision])
        try standings(of: record).set(standing, ofMember: member)
    }

    package func generations(of record: ExperimentRecord) throws -> Generations {
        let last = try lastChange(in: record)
        guard let known = cache.generations[record.id], known.isCurrent(for: record) else {
            let read = try readGenerations(of: record)
            read.lastChange = last
            cache.generations[record.id] = read
            return read
        }
        // The best of a generation that another process closed are needed.
        if record.experiment.elites == nil || known.lastChange >= last { known.advance(to: record.generation) }
        guard known.lastChange < last else { return known }
        // Finished intervals that were written since they were last read, in this process or another.
        let written: [(id: IntervalID, isUndecided: Bool)] = try all(
            """
            SELECT member, idx, undecided FROM interval INDEXED BY interval_changed
            WHERE experiment = ? AND changed > ? AND state >= 2
            """, [record.id, known.lastChange]
        ) { (IntervalID(member: $0[0], index: $0[1]), $0[2]) }
        for (id, isUndecided) in written where known.contains(id) {
            try known.report(id, undecided: isUndecided) {
                guard let interval = try interval(id, in: record),
                    let standing = record.experiment.standing(of: interval, after: nil)
                else { return nil }
                return try self.standing(rebuilding: standing, in: record)
            }
        }
        known.advance(to: record.generation)
        known.lastChange = last
        return known
    }

    // MARK: Events

    package func append(
        _ kind: Event.Kind, _ interval: IntervalID?, _ details: [String: Value], in record: ExperimentRecord
    ) throws {
        try run(
            "INSERT INTO event (experiment, time, kind, member, idx, details) VALUES (?, ?, ?, ?, ?, ?)",
            [
                record.id, now.milliseconds, kind.rawValue, interval?.member, interval?.index,
                details.isEmpty ? nil : Value.object(details).json,
            ])
        appended = db.lastInsertedRowID
    }

    package func events(of name: String?, after last: Int64?, limit: Int) throws -> [Event] {
        let columns = "e.id, x.name, e.time, e.kind, e.member, e.idx, e.details"
        let from = "FROM event AS e JOIN experiment AS x ON x.id = e.experiment"
        if let name {
            return try all(
                """
                SELECT \(columns) \(from)
                WHERE e.experiment = (SELECT id FROM experiment WHERE name = ?) AND e.id > ? ORDER BY e.id LIMIT ?
                """, [name, last ?? 0, limit], event)
        }
        return try all(
            "SELECT \(columns) \(from) WHERE e.id > ? ORDER BY e.id LIMIT ?", [last ?? 0, limit], event)
    }

    private func event(_ row: Columns) throws -> Event {
        guard let kind = Event.Kind(rawValue: row[3]) else {
            throw PBTError(.inconsistent, "event \(row[0] as Int64) has the unknown kind \(row[3] as String)")
        }
        return Event(
            id: row[0], experiment: row[1], time: Timestamp(milliseconds: row[2]), kind: kind,
            interval: intervalID(row[4], row[5]), details: try object(Array(row.bytes(6))) ?? [:])
    }

    package func lastEvent() throws -> Int64 {
        try first("SELECT max(id) FROM event", []) { $0[0] as Int64? ?? 0 } ?? 0
    }

    // MARK: JSON

    func object(_ text: [UInt8]) throws -> [String: Value]? {
        guard !text.isEmpty else { return nil }
        guard let object = try json(text).object else { throw Self.damaged(text, "instead of an object") }
        return object
    }

    /// Parses JSON from a row.
    ///
    /// - Throws: A `PBTError` with code `inconsistent`.
    func json(_ text: [UInt8]) throws -> Value {
        do {
            return try Value(json: text)
        } catch {
            throw Self.damaged(text, "instead of JSON: \(error)")
        }
    }

    private static func damaged(_ text: [UInt8], _ problem: String) -> PBTError {
        let start = Value.string(String(decoding: text.prefix(100), as: UTF8.self)).json
        return PBTError(.inconsistent, "the store is damaged: it has \(start) \(problem)")
    }
}
