// SPDX-License-Identifier: Apache-2.0

import GRDB
package import PBT

// The queries name the partial indexes: without statistics SQLite would choose the primary key, which starts with the
// experiment too, and read all of its intervals. Tests check the plans.
extension SQLiteLedger {
    private static let columns = """
        member, idx, state, parent_member, parent_idx, depth, attempts, failures, score, sequence, checkpoint,
        checkpoint_state, pinned, worker, token, lease_expires, created, started, finished, reason, metrics,
        hyperparameters, changes, undecided, decided_after, decided_order, decided_members, label, notes, failed_by
        """
    private static let longestLease = Duration.seconds(7 * 86400)
    private static let select = "SELECT \(columns) FROM interval"
    /// The number of the next write to an interval; its parameter is the experiment.
    private static let nextChange = """
        (SELECT coalesce(max(changed), 0) + 1 FROM interval INDEXED BY interval_changed WHERE experiment = ?)
        """

    /// The previous row's hyperparameters: consecutive intervals often share them, so they are parsed once.
    private struct Before {
        private var text: [UInt8] = []
        private var hyperparameters: Hyperparameters?

        mutating func hyperparameters(
            _ bytes: UnsafeRawBufferPointer, _ read: ([UInt8]) throws -> [String: Value]?
        ) throws -> Hyperparameters {
            if let hyperparameters, text.elementsEqual(bytes) { return hyperparameters }
            text = Array(bytes)
            let new = Hyperparameters(try read(text) ?? [:])
            hyperparameters = new
            return new
        }
    }

    private func interval(_ row: Columns) throws -> Interval {
        var before = Before()
        return try interval(row, &before)
    }

    private func interval(_ row: Columns, _ before: inout Before) throws -> Interval {
        var interval = Interval(
            id: IntervalID(member: row[0], index: row[1]), parent: intervalID(row[3], row[4]),
            hyperparameters: try before.hyperparameters(row.bytes(21), object),
            changes: try changes(Array(row.bytes(22))), depth: row[5], created: Timestamp(milliseconds: row[16]))
        let (state, checkpointState): (Int, Int) = (row[2], row[11])
        guard Schema.states.indices.contains(state), Schema.checkpointStates.indices.contains(checkpointState) else {
            throw PBTError(
                .inconsistent,
                "the store's row of interval \(interval.id) is damaged: its states are \(state) and \(checkpointState)")
        }
        interval.state = Schema.states[state]
        interval.attempts = row[6]
        interval.failures = row[7]
        interval.score = row[8]
        interval.sequence = row[9]
        interval.checkpoint = row[10]
        interval.checkpointState = Schema.checkpointStates[checkpointState]
        interval.isPinned = row[12]
        interval.worker = row[13]
        interval.token = row[14]
        interval.leaseExpires = (row[15] as Int64?).map { fromLeaseTime($0) }
        interval.started = (row[17] as Int64?).map { Timestamp(milliseconds: $0) }
        interval.finished = (row[18] as Int64?).map { Timestamp(milliseconds: $0) }
        interval.reason = row[19]
        interval.metrics = try object(Array(row.bytes(20))) ?? [:]
        interval.isUndecided = row[23]
        if let after: Int64 = row[24] {
            interval.decided = Interval.Decided(after: after, order: row[25], members: row[26])
        }
        interval.label = row[27]
        interval.notes = try object(Array(row.bytes(28))) ?? [:]
        interval.failedBy = (try object(Array(row.bytes(29))) ?? [:]).compactMapValues(\.int)
        if let complaint = interval.limitComplaint {
            throw PBTError(.inconsistent, "the store's row of interval \(interval.id) is damaged: \(complaint)")
        }
        return interval
    }

    private func changes(_ text: [UInt8]) throws -> [Change] {
        guard !text.isEmpty else { return [] }
        return (try json(text).array ?? []).compactMap { Change(value: $0) }
    }

    private static func text(of changes: [Change]) -> String? {
        changes.isEmpty ? nil : Value.array(changes.map(\.value)).json
    }

    private static func text(of object: [String: Value]) -> String? {
        object.isEmpty ? nil : Value.object(object).json
    }

    private func number(_ state: Interval.State) -> Int {
        Schema.states.firstIndex(of: state) ?? 0
    }

    private func number(_ state: Interval.CheckpointState) -> Int {
        Schema.checkpointStates.firstIndex(of: state) ?? 0
    }

    package func interval(_ id: IntervalID, in record: ExperimentRecord) throws -> Interval? {
        try first(
            "\(Self.select) WHERE experiment = ? AND member = ? AND idx = ?", [record.id, id.member, id.index], interval
        )
    }

    package func intervals(in record: ExperimentRecord, index: Int?) throws -> [Interval] {
        guard let index else {
            var before = Before()
            return try all("\(Self.select) WHERE experiment = ? ORDER BY member, idx", [record.id]) {
                try interval($0, &before)
            }
        }
        // One lookup per member by the primary key: an index by idx would cost every write.
        return try all(
            """
            WITH RECURSIVE each (number) AS (
                SELECT 0 UNION ALL SELECT number + 1 FROM each WHERE number + 1 < ?
            )
            SELECT \(Self.columns) FROM each JOIN interval ON experiment = ? AND member = number AND idx = ?
            ORDER BY number
            """, [record.experiment.population, record.id, index], interval)
    }

    package func newest(in record: ExperimentRecord) throws -> [Interval] {
        // Two lookups per member by the primary key, regardless of the number of intervals.
        try all(
            """
            WITH RECURSIVE each (number) AS (
                SELECT 0 UNION ALL SELECT number + 1 FROM each
                WHERE number < (SELECT max(member) FROM interval WHERE experiment = ?)
            )
            SELECT \(Self.columns) FROM each JOIN interval ON experiment = ? AND member = number
                AND idx = (SELECT max(idx) FROM interval WHERE experiment = ? AND member = number)
            ORDER BY number
            """, [record.id, record.id, record.id], interval)
    }

    package func intervals(in record: ExperimentRecord, _ selection: IntervalSelection) throws -> [Interval] {
        var conditions = ["experiment = ?"]
        var values: [(any ParameterValue)?] = [record.id]
        if let member = selection.member {
            conditions.append("member = ?")
            values.append(member)
        }
        if let state = selection.state {
            conditions.append("state = ?")
            values.append(number(state))
        }
        if let checkpoints = selection.checkpoints {
            let numbers = checkpoints.map { String(number($0)) }.sorted()
            conditions.append("checkpoint_state IN (\(numbers.joined(separator: ", ")))")
        }
        if selection.newestOnly {
            conditions.append(
                "(member, idx) IN (SELECT member, max(idx) FROM interval WHERE experiment = ? GROUP BY member)")
            values.append(record.id)
        }
        if let after = selection.after {
            conditions.append("(member, idx) > (?, ?)")
            values += [after.member, after.index]
        }
        var before = Before()
        return try all(
            "\(Self.select) WHERE \(conditions.joined(separator: " AND ")) ORDER BY member, idx LIMIT ?",
            values + [selection.limit]
        ) { try interval($0, &before) }
    }

    package func lastChange(in record: ExperimentRecord) throws -> Int64 {
        try first(
            "SELECT max(changed) FROM interval INDEXED BY interval_changed WHERE experiment = ?", [record.id]
        ) { $0[0] as Int64? ?? 0 } ?? 0
    }

    package func changed(
        in record: ExperimentRecord, after number: Int64, limit: Int
    ) throws -> [(number: Int64, interval: Interval)] {
        var before = Before()
        return try all(
            """
            SELECT \(Self.columns), changed FROM interval INDEXED BY interval_changed
            WHERE experiment = ? AND changed > ? ORDER BY changed LIMIT ?
            """, [record.id, number, limit]
        ) { row in
            let interval = try interval(row, &before)
            return (row[30], interval)
        }
    }

    package func insert(_ intervals: [Interval], in record: ExperimentRecord) throws {
        for interval in intervals {
            try run(
                """
                INSERT INTO interval (experiment, member, idx, state, parent_member, parent_idx, depth, attempts,
                    failures, checkpoint_state, pinned, created, hyperparameters, changes, decided_after,
                    decided_order, decided_members, label, notes, changed)
                VALUES (?, ?, ?, 0, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, \(Self.nextChange))
                """,
                [
                    record.id, interval.id.member, interval.id.index, interval.parent?.member, interval.parent?.index,
                    interval.depth, interval.created.milliseconds, interval.hyperparameters.value.json,
                    Self.text(of: interval.changes), interval.decided?.after, interval.decided?.order,
                    interval.decided?.members, interval.label, Self.text(of: interval.notes), record.id,
                ])
        }
    }

    package func update(_ interval: Interval, in record: ExperimentRecord) throws {
        let rank = interval.score.map { record.experiment.objective.key($0) }
        try run(
            """
            UPDATE interval SET state = ?, attempts = ?, failures = ?, score = ?, rank = ?, sequence = ?,
                checkpoint = ?, checkpoint_state = ?, pinned = ?, worker = ?, token = ?, lease_expires = ?,
                started = ?, finished = ?, reason = ?, metrics = ?, undecided = ?, failed_by = ?,
                changed = \(Self.nextChange)
            WHERE experiment = ? AND member = ? AND idx = ?
            """,
            [
                number(interval.state), interval.attempts, interval.failures, interval.score, rank,
                interval.sequence, interval.checkpoint, number(interval.checkpointState), interval.isPinned,
                interval.worker, interval.token, interval.leaseExpires.map { inLeaseTime($0) },
                interval.started?.milliseconds,
                interval.finished?.milliseconds, interval.reason,
                Self.text(of: interval.metrics), interval.isUndecided,
                Self.text(of: interval.failedBy.mapValues { .integer($0) }), record.id,
                record.id, interval.id.member, interval.id.index,
            ])
    }

    package func updateHyperparameters(_ interval: Interval, in record: ExperimentRecord) throws {
        try run(
            """
            UPDATE interval SET hyperparameters = ?, changes = ?, changed = \(Self.nextChange)
            WHERE experiment = ? AND member = ? AND idx = ?
            """,
            [
                interval.hyperparameters.value.json, Self.text(of: interval.changes), record.id,
                record.id, interval.id.member, interval.id.index,
            ])
    }

    package func updateNotes(_ interval: Interval, in record: ExperimentRecord) throws {
        try run(
            """
            UPDATE interval SET label = ?, notes = ?, changed = \(Self.nextChange)
            WHERE experiment = ? AND member = ? AND idx = ?
            """,
            [
                interval.label, Self.text(of: interval.notes), record.id, record.id, interval.id.member,
                interval.id.index,
            ])
    }

    package func interval(labeled label: String, in record: ExperimentRecord) throws -> Interval? {
        try first(
            "\(Self.select) INDEXED BY interval_label WHERE experiment = ? AND label = ?", [record.id, label], interval)
    }

    package func labeled(in record: ExperimentRecord, after last: IntervalID?, limit: Int) throws -> [Interval] {
        try all(
            """
            \(Self.select) WHERE experiment = ? AND (member, idx) > (?, ?) AND label IS NOT NULL
            ORDER BY member, idx LIMIT ?
            """, [record.id, last?.member ?? -1, last?.index ?? -1, limit], interval)
    }

    // Reserved intervals are skipped row by row: there are at most as many as workers about to start.

    package func firstQueued(in record: ExperimentRecord) throws -> Interval? {
        try first(
            """
            \(Self.select) INDEXED BY interval_queued
            WHERE experiment = ? AND state = 0 AND label IS NOT NULL
                AND (lease_expires IS NULL OR lease_expires <= ?)
            ORDER BY idx, member LIMIT 1
            """, [record.id, inLeaseTime(now)], interval)
    }

    package func firstUndecided(in record: ExperimentRecord) throws -> Interval? {
        try first(
            """
            \(Self.select) INDEXED BY interval_undecided WHERE experiment = ? AND undecided = 1
            ORDER BY idx, sequence LIMIT 1
            """, [record.id], interval)
    }

    package func firstWaiting(in record: ExperimentRecord, but excluded: Set<IntervalID>) throws -> Interval? {
        var found: Interval?
        // In the order of the index, row by row, past the reserved and excluded ones.
        try db.run(
            """
            \(Self.select) INDEXED BY interval_waiting
            WHERE experiment = ? AND state = 0 AND (lease_expires IS NULL OR lease_expires <= ?)
            ORDER BY idx, failures, member
            """, [record.id, inLeaseTime(now)]
        ) { row in
            guard !excluded.contains(IntervalID(member: row[0], index: row[1])) else { return true }
            found = try interval(row)
            return false
        }
        return found
    }

    package func hasDone(_ worker: String, in record: ExperimentRecord) throws -> Bool {
        try first(
            """
            SELECT 1 FROM interval INDEXED BY interval_best WHERE experiment = ? AND state = 2 AND worker = ? LIMIT 1
            """, [record.id, worker]
        ) { _ in true } ?? false
    }

    package func firstUnstartedFounder(in record: ExperimentRecord) throws -> Interval? {
        try first(
            """
            \(Self.select)
            WHERE experiment = ? AND state = 0 AND idx = 0 AND attempts = 0 AND changes IS NULL
            ORDER BY member LIMIT 1
            """, [record.id], interval)
    }

    package func running(
        in record: ExperimentRecord, expiredBy now: Timestamp?, worker: String?
    ) throws -> [Interval] {
        let all = try all(
            """
            \(Self.select) INDEXED BY interval_running
            WHERE experiment = ? AND state = 1 AND lease_expires < ? AND (? IS NULL OR worker = ?)
            ORDER BY member, idx
            """, [record.id, now.map { inLeaseTime($0) } ?? .max, worker, worker], interval)
        guard let now else { return all }
        // No worker's lease is that long: it dates from before the machine was rebooted with its clock set back. Some
        // intervals with a label, which are Schedy's, never expire.
        return try all
            + self.all(
                """
                \(Self.select) INDEXED BY interval_running
                WHERE experiment = ? AND state = 1 AND lease_expires > ? AND (? IS NULL OR worker = ?)
                    AND label IS NULL
                ORDER BY member, idx
                """, [record.id, inLeaseTime(now.advanced(by: Self.longestLease)), worker, worker], interval)
    }

    package func hasOpenChild(_ parent: IntervalID, in record: ExperimentRecord) throws -> Bool {
        try first(
            """
            SELECT 1 FROM interval INDEXED BY interval_open_parent
            WHERE experiment = ? AND parent_member = ? AND parent_idx = ? AND state < 2 LIMIT 1
            """, [record.id, parent.member, parent.index]
        ) { _ in true } ?? false
    }

    package func best(_ limit: Int, in record: ExperimentRecord) throws -> [IntervalID] {
        try all(
            """
            SELECT member, idx FROM interval INDEXED BY interval_best
            WHERE experiment = ? AND state = 2 AND rank IS NOT NULL
            ORDER BY rank DESC, depth DESC, sequence DESC LIMIT ?
            """, [record.id, limit]
        ) { IntervalID(member: $0[0], index: $0[1]) }
    }

    package func kept(ofMember member: Int, in record: ExperimentRecord) throws -> [Interval] {
        try all(
            """
            \(Self.select) INDEXED BY interval_kept
            WHERE experiment = ? AND member = ? AND checkpoint_state = 1 ORDER BY idx
            """, [record.id, member], interval)
    }

    package func garbage(in record: ExperimentRecord) throws -> [String] {
        try all(
            """
            SELECT checkpoint FROM interval INDEXED BY interval_garbage
            WHERE experiment = ? AND checkpoint_state = 2 ORDER BY member, idx
            """, [record.id]
        ) { $0[0] }
    }

    package func markDeleted(_ checkpoints: [String], in record: ExperimentRecord) throws {
        // There is no index by name: one scan of all garbage, regardless of the number of names.
        let names = Set(checkpoints)
        let garbage: [(id: IntervalID, checkpoint: String?)] = try all(
            """
            SELECT member, idx, checkpoint FROM interval INDEXED BY interval_garbage
            WHERE experiment = ? AND checkpoint_state = 2
            """, [record.id]
        ) { (IntervalID(member: $0[0], index: $0[1]), $0[2]) }
        for (id, checkpoint) in garbage where checkpoint.map(names.contains) ?? false {
            try run(
                """
                UPDATE interval SET checkpoint_state = 3, changed = \(Self.nextChange)
                WHERE experiment = ? AND member = ? AND idx = ?
                """, [record.id, record.id, id.member, id.index])
        }
    }
}
