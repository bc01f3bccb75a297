// SPDX-License-Identifier: Apache-2.0

import PBT

/// A simulation that drives an experiment through a store with simulated workers, in an order and with failures drawn
/// from a seed, and checks invariants after every step.
struct ContractSimulation {
    let store: any Store
    /// Another handle of the same store, which every second claim uses.
    var other: (any Store)?
    let experiment: Experiment
    let clock: ManualClock
    /// The number of edits of the definition during the run, some of them after the end.
    var edits = 0
    /// The indices at which all scores are poor.
    var lapses: Set<Int> = []
    var random: Xoshiro256
    private let hasTroubles: Bool
    /// The intervals as read by the change feed.
    private var mirror = IntervalMirror()

    init(
        store: any Store, other: (any Store)? = nil, experiment: Experiment, clock: ManualClock, seed: UInt64,
        troubles: Bool = false
    ) {
        self.store = store
        self.other = other
        self.experiment = experiment
        self.clock = clock
        random = Xoshiro256(seed: seed)
        hasTroubles = troubles
    }

    /// Runs to the end with a number of intervals in flight.
    func run(workers: Int) async throws {
        var copy = self
        try await copy.drive(workers: workers)
    }

    private mutating func drive(workers: Int) async throws {
        var inFlight: [Assignment] = []
        var deleted: Set<String> = []
        var claims = 0
        while true {
            if edits > 0, random.next() % 6 == 0 { deleted.formUnion(try await edit()) }
            claims += 1
            let handle = claims % 2 == 0 ? other ?? store : store
            let claim =
                inFlight.count < workers
                ? try await handle.claim(from: experiment.name, by: "w", for: .seconds(60)) : .nothingNow
            switch claim {
            case .over:
                guard inFlight.isEmpty else {
                    inFlight = []
                    continue
                }
                try await check(deleted: deleted, isOver: true)
                guard edits > 0 else { return }
                deleted.formUnion(try await edit())
                try await check(deleted: deleted, isOver: false)
            case .assignment(let assignment):
                if let parent = assignment.parentCheckpoint {
                    try expect(
                        !deleted.contains(parent), "\(assignment.interval.id) needs \(parent), which was deleted")
                }
                inFlight.append(assignment)
                deleted.formUnion(assignment.garbage)
                try await store.collected(assignment.garbage, of: experiment.name)
                if !assignment.garbage.isEmpty { try await check(deleted: deleted, isOver: false) }
            case .nothingNow:
                if inFlight.isEmpty {
                    let record = try await store.record(of: experiment.name)
                    let newest = try await store.intervals(of: experiment.name, IntervalSelection(newestOnly: true))
                    let told = newest.map { "\($0.id) \($0.state)\($0.isUndecided ? ", undecided" : "")" }
                    try expect(
                        false,
                        "nothing is running and nothing can be claimed, but it has not ended: \(told), generation "
                            + "\(record.generation), \(record.experiment.value.json), revision \(record.revisionNumber)"
                    )
                }
                let assignment = inFlight.remove(at: Int(random.next() % UInt64(inFlight.count)))
                guard let finished = try await end(assignment) else { continue }
                deleted.formUnion(finished.garbage)
                try await store.collected(finished.garbage, of: experiment.name)
                try await check(deleted: deleted, isOver: false)
            }
        }
    }

    /// Ends an attempt in a random way.
    private mutating func end(_ assignment: Assignment) async throws -> Finished? {
        do {
            switch hasTroubles ? random.next() % 20 : 19 {
            case 0: return try await store.finish(assignment, score: .nan)
            case 1, 2: return try await store.finish(assignment.lease, .failed(reason: "trouble"))
            case 3:
                try await store.release(assignment.lease, because: "trouble")
                return nil
            case 4:
                // All leases expire: later reports are refused if others took over, never misattributed.
                clock.advance(by: .seconds(61))
                return nil
            default: return try await store.finish(assignment, score: score(of: assignment.interval))
            }
        } catch let error as PBTError where error.code == .leaseLost && hasTroubles {
            return nil
        }
    }

    /// Returns a score that depends only on the interval and its hyperparameters.
    private func score(of interval: Interval) -> Double {
        let x = interval.hyperparameters["x"]?.double ?? 0
        return Double(interval.depth) * 0.1 - (x - 0.3) * (x - 0.3) - (lapses.contains(interval.id.index) ? 10 : 0)
    }

    /// Returns the number of checkpoints that may be kept for decisions of generations that are open.
    private func possibleDonors(in record: ExperimentRecord, of population: Int, _ intervals: [Interval]) -> Int {
        if record.experiment.halving != nil { return 0 }
        let isCertain = record.experiment.waitsForCertainty
        // An edit may leave some until their members finish again.
        if record.revisionNumber > 0 { return isCertain ? intervals.count : population }
        guard isCertain else { return 0 }
        let open = max(0, (intervals.map(\.id.index).max() ?? 0) + 1 - record.generation)
        let elites = (open + 1) * (record.experiment.elites?.count ?? 0)
        if record.experiment.division != nil { return open * record.experiment.exchangeDonors + elites }
        guard case .truncation(_, let top) = record.experiment.exploit.kind else { return open * population + elites }
        return open * ExploitRule.count(of: top, among: population) + elites
    }

    private mutating func check(deleted: Set<String>, isOver: Bool) async throws {
        let intervals = try await store.intervals(of: experiment.name)
        mirror.apply(try await store.changes(of: experiment.name, since: mirror.cursor))
        try expectEqual(mirror.intervals, intervals, "the change feed differs from the whole")
        let record = try await store.record(of: experiment.name)
        let byID = Dictionary(uniqueKeysWithValues: intervals.map { ($0.id, $0) })
        for state in Interval.State.allCases {
            try expectEqual(record.counts[state] ?? 0, intervals.count { $0.state == state }, "count of \(state)")
        }
        for interval in intervals where !interval.state.isFinished {
            guard let parent = interval.parent else { continue }
            try expectEqual(byID[parent]?.checkpointState, .kept, "\(interval.id) continues \(parent)")
        }
        for interval in intervals {
            let isDeleted = interval.checkpoint.map { deleted.contains($0) } ?? false
            try expectEqual(isDeleted, interval.checkpointState == .deleted, "\(interval.id)")
        }
        let done = intervals.filter { $0.state == .done }
        if let best = record.best {
            try expectEqual(byID[best]?.checkpointState, .kept, "the best, \(best)")
            try expectEqual(byID[best]?.score, done.compactMap(\.score).max())
            let rival = done.first { interval in
                byID[best].map { record.experiment.objective.prefers(interval, to: $0) } ?? true
            }
            try expectEqual(rival?.id, nil, "is rather the best than \(best)")
        }
        // Only checkpoints of standings, parents of open intervals, and the best are kept.
        let kept = intervals.count { $0.checkpointState == .kept }
        let open = intervals.count { !$0.state.isFinished }
        // Retired members keep theirs.
        let population = Set(intervals.map(\.id.member)).count
        let donors = possibleDonors(in: record, of: population, intervals)
        try expect(
            kept <= population + open + 1 + donors,
            "\(kept) checkpoints are kept: \(intervals.filter { $0.checkpointState == .kept }.map(\.id)), open: "
                + "\(intervals.filter { !$0.state.isFinished }.map { "\($0.id) of \($0.parent.map { "\($0)" } ?? "-")" }), "
                + "best \(record.best?.description ?? "none") of \(record.experiment.population) members")
        if isOver, donors == 0, record.state == .finished, record.membersEnded == record.experiment.population {
            try expectEqual(record.intervalsFinished, record.intervalsPlanned)
            try expect(kept <= population + 1, "\(kept) checkpoints are left")
        }
        try expectEqual(record.undecided, intervals.count(where: \.isUndecided), "undecided")
        if isOver {
            let audit = try await Audit(revisions: store.revisions(of: experiment.name), intervals: intervals)
            try expectEqual(audit.mismatches, [])
        }
        if record.experiment.waitsForCertainty, !hasTroubles, record.revisionNumber == 0,
            record.experiment.patience == nil, record.experiment.elites == nil
        {
            for interval in intervals { try expectEqual(interval.depth, interval.id.index + 1, "\(interval.id)") }
        }
        let sequences = intervals.compactMap(\.sequence).sorted()
        try expectEqual(sequences, Array(0..<Int64(sequences.count)))
    }
}
