// SPDX-License-Identifier: Apache-2.0

/// Reference tracking of checkpoints.
extension Ledger {
    /// Marks checkpoints that have become unreferenced as garbage, and returns their intervals.
    ///
    /// - Parameters:
    ///   - finished: The intervals that were decided about.
    ///   - former: Intervals that were possible donors of a generation and are no more.
    ///   - record: The experiment.
    /// - Returns: The intervals, by member and index.
    /// - Throws: The errors of the database.
    func markUnreferenced(
        after finished: [Interval], and former: [IntervalID] = [], in record: ExperimentRecord
    ) throws -> [Interval] {
        var candidates: [IntervalID: Interval] = [:]
        let most = record.experiment.bestKept
        let best = try best(most.adding(saturating: 1), in: record)
        var ids = finished.compactMap(\.parent) + former
        // The one that has just dropped out of the best.
        if best.count > most { ids.append(best[most]) }
        for interval in finished {
            for kept in try kept(ofMember: interval.id.member, in: record) {
                candidates[kept.id] = kept
            }
        }
        for id in ids where candidates[id] == nil {
            if let interval = try interval(id, in: record), interval.checkpointState == .kept {
                candidates[id] = interval
            }
        }
        var garbage: [Interval] = []
        let standings = try standings(of: record)
        let generations = record.experiment.waitsForCertainty ? try generations(of: record) : nil
        let top = Set(best.prefix(most)).union(record.best.map { [$0] } ?? [])
            .union(generations?.eliteIntervals ?? [])
        for id in candidates.keys.sorted() {
            guard var interval = candidates[id],
                try !isNeeded(interval, best: top, standings: standings, generations: generations, in: record)
            else { continue }
            interval.checkpointState = .garbage
            try update(interval, in: record)
            garbage.append(interval)
        }
        return garbage
    }

    func isNeeded(_ interval: Interval, in record: ExperimentRecord) throws -> Bool {
        let generations = record.experiment.waitsForCertainty ? try generations(of: record) : nil
        return try isNeeded(
            interval,
            // An earlier version preferred the first of equal scores; it stays the best of what it trained.
            best: Set(try best(record.experiment.bestKept, in: record)).union(record.best.map { [$0] } ?? [])
                .union(generations?.eliteIntervals ?? []),
            standings: try standings(of: record), generations: generations, in: record)
    }

    /// Returns true if a possible donor, an open interval, the best, an elite, the last, or a pin references the
    /// checkpoint.
    ///
    /// - Parameters:
    ///   - interval: The interval.
    ///   - best: The best intervals and the elites.
    ///   - standings: The standings.
    ///   - generations: The generations, if decisions wait for certainty.
    ///   - record: The experiment.
    /// - Returns: True if it is needed.
    /// - Throws: The errors of the database.
    private func isNeeded(
        _ interval: Interval, best: Set<IntervalID>, standings: Standings, generations: Generations?,
        in record: ExperimentRecord
    ) throws -> Bool {
        if interval.isPinned || best.contains(interval.id) { return true }
        if generations?.mayDonate(interval.id) ?? false { return true }
        // A retired member may come back.
        if record.experiment.isRetired(interval.id.member),
            try self.interval(interval.id.next, in: record) == nil
        {
            return true
        }
        if let standing = standings.population[id: interval.id.member] {
            if standing.index == interval.id.index { return true }
            // Of the member's last intervals, those that its present checkpoint descends from.
            var ancestor = standing.interval
            for _ in 1..<max(1, record.experiment.keep.last) {
                guard let parent = try self.interval(ancestor, in: record)?.parent, parent.member == ancestor.member
                else { break }
                if parent == interval.id { return true }
                ancestor = parent
            }
        }
        return try hasOpenChild(interval.id, in: record)
    }

    package func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) throws {
        let record = try existing(name)
        var interval = try existing(id, in: record)
        guard !isPinned || interval.checkpointState == .kept else {
            throw PBTError(.wrongState, "interval \(id) of \"\(name)\" has no checkpoint to keep (any longer)")
        }
        interval.isPinned = isPinned
        if !isPinned, interval.checkpointState == .kept, try !isNeeded(interval, in: record) {
            interval.checkpointState = .garbage
        }
        try update(interval, in: record)
    }
}
