// SPDX-License-Identifier: Apache-2.0

/// The rows of a store in memory.
///
/// Used under the store's lock.
package final class InMemoryLedger: Ledger {
    private final class Table {
        var record: ExperimentRecord
        private(set) var intervals: [IntervalID: Interval] = [:]
        /// The number of the last write to each interval.
        private(set) var changes: [IntervalID: Int64] = [:]
        private(set) var lastChange: Int64 = 0
        /// Waiting intervals by (index, member); entries that no longer wait are dropped lazily.
        var waiting = IntervalHeap()
        /// Undecided intervals by (index, sequence); outdated entries are dropped lazily.
        var undecided = IntervalHeap()
        var labels: [String: IntervalID] = [:]
        var running: Set<IntervalID> = []
        /// The number of waiting or running intervals that continue an interval.
        var openChildren: [IntervalID: Int] = [:]
        var kept: [Int: Set<IntervalID>] = [:]
        var garbage: Set<IntervalID> = []
        /// Done intervals, best first.
        var ranking: [(key: Double, lateness: Interval.Lateness, id: IntervalID)] = []
        var standings: Standings
        var revisions: [Revision] = []
        var generations: Generations?
        /// Finished intervals that were written since the generations were read.
        var unread: [IntervalID] = []

        init(record: ExperimentRecord, standings: Standings) {
            self.record = record
            self.standings = standings
        }

        /// Inserts or updates an interval.
        func write(_ interval: Interval) {
            intervals[interval.id] = interval
            lastChange += 1
            changes[interval.id] = lastChange
            if generations != nil, interval.state.isFinished { unread.append(interval.id) }
        }

        /// Inserts a done interval into the ranking.
        func rank(_ interval: Interval, key: Double) {
            let lateness = interval.lateness
            var low = 0
            var high = ranking.count
            while low < high {
                let middle = (low + high) / 2
                let precedes =
                    ranking[middle].key > key || (ranking[middle].key == key && ranking[middle].lateness > lateness)
                if precedes { low = middle + 1 } else { high = middle }
            }
            ranking.insert((key, lateness, interval.id), at: low)
        }
    }

    package private(set) var now = Timestamp(milliseconds: 0)
    package private(set) var isGrace = false
    private var skew: Int64 = 0
    package let strategies: Strategies
    private var tables: [Int64: Table] = [:]
    private var ids: [String: Int64] = [:]
    private var lastID: Int64 = 0
    private(set) var eventList: [Event] = []
    private var lastEventID: Int64 = 0
    private var secrets = SystemRandomNumberGenerator()

    init(strategies: Strategies) {
        self.strategies = strategies
    }

    /// Sets the time; if the time of day was stepped, leases move with it.
    func set(_ time: LeaseTime.Reading) {
        now = time.now
        isGrace = time.isGrace
        guard time.skew != skew else { return }
        let step = Duration.milliseconds(time.skew &- skew)
        skew = time.skew
        for table in tables.values {
            table.record.generationBegan = table.record.generationBegan.advanced(by: step)
            table.record.limitBegan = table.record.limitBegan.advanced(by: step)
            for var interval in table.intervals.values where interval.leaseExpires != nil {
                interval.leaseExpires = interval.leaseExpires?.advanced(by: step)
                table.write(interval)
            }
        }
    }

    package func isAlive(_ worker: String) -> Bool {
        // Workers live in this process: one that does not renew is dead.
        false
    }

    package func freshToken() -> String {
        String(secrets.next(), radix: 16) + String(secrets.next(), radix: 16)
    }

    package func record(named name: String) -> ExperimentRecord? {
        ids[name].flatMap { tables[$0]?.record }
    }

    package func records() -> [ExperimentRecord] {
        tables.values.map(\.record).sorted { $0.id < $1.id }
    }

    package func insert(_ record: ExperimentRecord) -> ExperimentRecord {
        lastID += 1
        var record = record
        record.id = lastID
        tables[lastID] = Table(record: record, standings: Standings(of: record))
        ids[record.experiment.name] = lastID
        return record
    }

    package func update(_ record: ExperimentRecord) {
        tables[record.id]?.record = record
    }

    package func updateDefinition(_ record: ExperimentRecord) {
        tables[record.id]?.record = record
    }

    package func insert(_ revision: Revision, in record: ExperimentRecord) {
        tables[record.id]?.revisions.append(revision)
    }

    package func revisions(in record: ExperimentRecord) -> [Revision] {
        tables[record.id]?.revisions ?? []
    }

    package func updateNotes(_ record: ExperimentRecord) {
        tables[record.id]?.record = record
    }

    package func delete(_ record: ExperimentRecord) {
        tables[record.id] = nil
        ids[record.experiment.name] = nil
        eventList.removeAll { $0.experiment == record.experiment.name }
    }

    package func interval(_ id: IntervalID, in record: ExperimentRecord) -> Interval? {
        tables[record.id]?.intervals[id]
    }

    package func intervals(in record: ExperimentRecord, index: Int?) -> [Interval] {
        guard let table = tables[record.id] else { return [] }
        guard let index else { return table.intervals.values.sorted { $0.id < $1.id } }
        // An edit may have retired members; they are not removed.
        var members = table.record.experiment.population
        while table.intervals[IntervalID(member: members, index: 0)] != nil { members += 1 }
        return (0..<members).compactMap { table.intervals[IntervalID(member: $0, index: index)] }
    }

    package func newest(in record: ExperimentRecord) -> [Interval] {
        guard let table = tables[record.id] else { return [] }
        var newest: [Int: Interval] = [:]
        for interval in table.intervals.values where (newest[interval.id.member]?.id.index ?? -1) < interval.id.index {
            newest[interval.id.member] = interval
        }
        return newest.values.sorted { $0.id < $1.id }
    }

    package func intervals(in record: ExperimentRecord, _ selection: IntervalSelection) -> [Interval] {
        selection.chosen(from: intervals(in: record, index: nil))
    }

    package func lastChange(in record: ExperimentRecord) -> Int64 {
        tables[record.id]?.lastChange ?? 0
    }

    package func changed(
        in record: ExperimentRecord, after number: Int64, limit: Int
    ) -> [(number: Int64, interval: Interval)] {
        guard let table = tables[record.id] else { return [] }
        return table.changes.filter { $0.value > number }.sorted { $0.value < $1.value }.prefix(limit)
            .compactMap { id, number in table.intervals[id].map { (number, $0) } }
    }

    package func insert(_ intervals: [Interval], in record: ExperimentRecord) {
        for interval in intervals {
            tables[record.id]?.write(interval)
            tables[record.id]?.waiting.insert(interval.id, rank: Self.rank(of: interval))
            if let label = interval.label { tables[record.id]?.labels[label] = interval.id }
            if let parent = interval.parent { tables[record.id]?.openChildren[parent, default: 0] += 1 }
        }
    }

    package func update(_ interval: Interval, in record: ExperimentRecord) {
        guard let before = tables[record.id]?.intervals[interval.id] else { return }
        tables[record.id]?.write(interval)
        if before.state != interval.state {
            move(interval, from: before, in: record)
        } else if interval.state == .done, before.score != interval.score {
            tables[record.id]?.ranking.removeAll { $0.id == interval.id }
            rank(interval, in: record)
        } else if interval.state == .waiting, before.failures != interval.failures {
            tables[record.id]?.waiting.insert(interval.id, rank: Self.rank(of: interval))
        }
        if interval.isUndecided, !before.isUndecided {
            tables[record.id]?.undecided.insert(interval.id, rank: interval.sequence ?? 0)
        }
        if before.checkpointState != interval.checkpointState {
            if before.checkpointState == .kept {
                tables[record.id]?.kept[interval.id.member]?.remove(interval.id)
            }
            switch interval.checkpointState {
            case .kept: tables[record.id]?.kept[interval.id.member, default: []].insert(interval.id)
            case .garbage: tables[record.id]?.garbage.insert(interval.id)
            case .none, .deleted: break
            }
        }
    }

    private func move(_ interval: Interval, from before: Interval, in record: ExperimentRecord) {
        if before.state == .running { tables[record.id]?.running.remove(interval.id) }
        if before.state == .done { tables[record.id]?.ranking.removeAll { $0.id == interval.id } }
        if before.state.isFinished, let parent = interval.parent {
            tables[record.id]?.openChildren[parent, default: 0] += 1
        }
        switch interval.state {
        case .waiting: tables[record.id]?.waiting.insert(interval.id, rank: Self.rank(of: interval))
        case .running: tables[record.id]?.running.insert(interval.id)
        case .done, .diverged, .failed:
            if let parent = interval.parent { tables[record.id]?.openChildren[parent, default: 0] -= 1 }
            if interval.state == .done { rank(interval, in: record) }
        }
    }

    /// Ranks a done interval by its score, if it has one.
    private func rank(_ interval: Interval, in record: ExperimentRecord) {
        guard let score = interval.score else { return }
        tables[record.id]?.rank(interval, key: record.experiment.objective.key(score))
    }

    package func updateHyperparameters(_ interval: Interval, in record: ExperimentRecord) {
        tables[record.id]?.write(interval)
    }

    package func updateNotes(_ interval: Interval, in record: ExperimentRecord) {
        if let label = tables[record.id]?.intervals[interval.id]?.label { tables[record.id]?.labels[label] = nil }
        if let label = interval.label { tables[record.id]?.labels[label] = interval.id }
        tables[record.id]?.write(interval)
    }

    package func interval(labeled label: String, in record: ExperimentRecord) -> Interval? {
        guard let table = tables[record.id] else { return nil }
        return table.labels[label].flatMap { table.intervals[$0] }
    }

    package func labeled(in record: ExperimentRecord, after last: IntervalID?, limit: Int) -> [Interval] {
        guard let table = tables[record.id] else { return [] }
        return table.labels.values.filter { id in last.map { $0 < id } ?? true }.sorted().prefix(limit)
            .compactMap { table.intervals[$0] }
    }

    package func firstQueued(in record: ExperimentRecord) -> Interval? {
        firstWaiting(in: record) { $0.label != nil }
    }

    package func firstUndecided(in record: ExperimentRecord) -> Interval? {
        while let entry = tables[record.id]?.undecided.entry {
            if let interval = tables[record.id]?.intervals[entry.id], interval.isUndecided,
                interval.sequence == entry.rank
            {
                return interval
            }
            tables[record.id]?.undecided.removeFirst()
        }
        return nil
    }

    package func firstWaiting(in record: ExperimentRecord, but excluded: Set<IntervalID>) -> Interval? {
        firstWaiting(in: record) { !excluded.contains($0.id) }
    }

    package func hasDone(_ worker: String, in record: ExperimentRecord) -> Bool {
        tables[record.id]?.intervals.values.contains { $0.state == .done && $0.worker == worker } ?? false
    }

    /// Returns the rank of a waiting interval among those of its index: by failures, then by member.
    private static func rank(of interval: Interval) -> Int64 {
        Int64(min(interval.failures, 1 << 20)) << 40 | Int64(interval.id.member)
    }

    /// Returns the first waiting, unreserved interval that satisfies a condition.
    private func firstWaiting(in record: ExperimentRecord, where isWanted: (Interval) -> Bool) -> Interval? {
        var passed: [Interval] = []
        defer {
            for interval in passed { tables[record.id]?.waiting.insert(interval.id, rank: Self.rank(of: interval)) }
        }
        while let entry = tables[record.id]?.waiting.entry {
            if let interval = tables[record.id]?.intervals[entry.id], interval.state == .waiting,
                Self.rank(of: interval) == entry.rank
            {
                if isWanted(interval), interval.leaseExpires.map({ $0 <= now }) ?? true { return interval }
                if passed.last?.id != entry.id { passed.append(interval) }
            }
            tables[record.id]?.waiting.removeFirst()
        }
        return nil
    }

    package func firstUnstartedFounder(in record: ExperimentRecord) -> Interval? {
        intervals(in: record, index: 0).first { $0.state == .waiting && $0.attempts == 0 && $0.changes.isEmpty }
    }

    package func running(in record: ExperimentRecord, expiredBy now: Timestamp?, worker: String?) -> [Interval] {
        guard let table = tables[record.id] else { return [] }
        return table.running.sorted().compactMap { table.intervals[$0] }.filter { interval in
            let isExpired = now.map { now in interval.leaseExpires.map { $0 < now } ?? true } ?? true
            return isExpired && (worker == nil || interval.worker == worker)
        }
    }

    package func hasOpenChild(_ parent: IntervalID, in record: ExperimentRecord) -> Bool {
        tables[record.id]?.openChildren[parent] ?? 0 > 0
    }

    package func best(_ limit: Int, in record: ExperimentRecord) -> [IntervalID] {
        tables[record.id]?.ranking.prefix(limit).map(\.id) ?? []
    }

    package func kept(ofMember member: Int, in record: ExperimentRecord) -> [Interval] {
        guard let table = tables[record.id] else { return [] }
        return (table.kept[member] ?? []).sorted().compactMap { table.intervals[$0] }
    }

    package func garbage(in record: ExperimentRecord) -> [String] {
        guard let table = tables[record.id] else { return [] }
        return table.garbage.sorted().compactMap { table.intervals[$0]?.checkpoint }
    }

    package func markDeleted(_ checkpoints: [String], in record: ExperimentRecord) {
        let names = Set(checkpoints)
        for id in tables[record.id]?.garbage ?? [] {
            guard var interval = tables[record.id]?.intervals[id], let name = interval.checkpoint, names.contains(name)
            else { continue }
            interval.checkpointState = .deleted
            tables[record.id]?.write(interval)
            tables[record.id]?.garbage.remove(id)
        }
    }

    package func standings(of record: ExperimentRecord) throws -> Standings {
        guard let standings = tables[record.id]?.standings else {
            throw PBTError(.inconsistent, "experiment \"\(record.experiment.name)\" is not in the store")
        }
        guard standings.isCurrent(for: record) else {
            let rebuilt = Standings(of: record)
            for member in standings.population.ranked {
                rebuilt.set(try standing(rebuilding: member, in: record), ofMember: member.id)
            }
            tables[record.id]?.standings = rebuilt
            return rebuilt
        }
        standings.population.declaredSize = record.experiment.population
        return standings
    }

    package func setStanding(_ standing: Population.Member?, ofMember member: Int, in record: ExperimentRecord) throws {
        try standings(of: record).set(standing, ofMember: member)
    }

    package func generations(of record: ExperimentRecord) throws -> Generations {
        guard let table = tables[record.id], let known = table.generations, known.isCurrent(for: record) else {
            let read = try readGenerations(of: record)
            tables[record.id]?.generations = read
            tables[record.id]?.unread = []
            return read
        }
        known.advance(to: record.generation)
        for id in table.unread {
            guard let interval = table.intervals[id], interval.state.isFinished else { continue }
            try known.report(interval, in: record, self)
        }
        table.unread = []
        return known
    }

    package func append(
        _ kind: Event.Kind, _ interval: IntervalID?, _ details: [String: Value], in record: ExperimentRecord
    ) {
        lastEventID += 1
        eventList.append(
            Event(
                id: lastEventID, experiment: record.experiment.name, time: now, kind: kind, interval: interval,
                details: details))
    }

    package func events(of name: String?, after last: Int64?, limit: Int) -> [Event] {
        var low = 0
        var high = eventList.count
        while low < high {
            let middle = (low + high) / 2
            if eventList[middle].id <= last ?? 0 { low = middle + 1 } else { high = middle }
        }
        return Array(eventList[low...].lazy.filter { name == nil || $0.experiment == name }.prefix(max(limit, 0)))
    }

    package func lastEvent() -> Int64 {
        lastEventID
    }
}
