// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTTesting
import Testing

/// The best of an experiment whose first intervals an earlier version recorded, which preferred the first of equal
/// scores.
@Suite struct WinnerTests {
    @Test func `in memory, the best of an earlier version stays until it is reached`() async throws {
        let clock = ManualClock()
        try await check(InMemoryStore(clock: clock.store), clock)
    }

    @Test func `in a file, the best of an earlier version stays until it is reached`() async throws {
        try await withTemporaryDirectory { directory in
            let clock = ManualClock()
            try await check(SQLiteStore(path: "\(directory)/store.sqlite", clock: clock.store), clock)
        }
    }

    private func check(_ store: some TransactionalStore, _ clock: ManualClock) async throws {
        let experiment = Experiment(
            "e", objective: .maximize("score"), population: 1, intervals: 6, space: ["x": .uniform(0...1)])
        _ = try await store.create(experiment)
        func train(_ scores: [Double]) async throws {
            for score in scores { try await self.train(score, in: store) }
        }
        func states() async throws -> [Interval.CheckpointState] {
            try await store.intervals(of: "e").map(\.checkpointState)
        }
        try await train([5, 5, 1])
        #expect(try await states() == [.garbage, .kept, .kept, .none])
        // As the earlier version left it.
        try await store.write(durable: true) { ledger in
            var record = try ledger.existing("e")
            record.best = IntervalID(member: 0, index: 0)
            try ledger.update(record)
            for (index, state) in [Interval.CheckpointState.kept, .garbage].enumerated() {
                var interval = try ledger.existing(IntervalID(member: 0, index: index), in: record)
                interval.checkpointState = state
                try ledger.update(interval, in: record)
            }
        }
        try await train([2])
        #expect(try await store.record(of: "e").best == IntervalID(member: 0, index: 0))
        #expect(try await states() == [.kept, .garbage, .garbage, .kept, .none])
        try await train([5])
        #expect(try await store.record(of: "e").best == IntervalID(member: 0, index: 4))
        #expect(try await states() == [.garbage, .garbage, .garbage, .garbage, .kept, .none])
    }

    @Test func `in memory, evaluations are recorded once and choose the winner`() async throws {
        let clock = ManualClock()
        try await checkEvaluations(InMemoryStore(clock: clock.store))
    }

    @Test func `in a file, evaluations are recorded once and choose the winner`() async throws {
        try await withTemporaryDirectory { directory in
            let clock = ManualClock()
            let path = "\(directory)/store.sqlite"
            try await checkEvaluations(SQLiteStore(path: path, clock: clock.store))
            // They survive a restart.
            let interval = try await SQLiteStore(path: path, clock: clock.store)
                .interval(IntervalID(member: 1, index: 0), of: "e")
            #expect(interval.evaluations.map(\.score) == [6.5, 7.5, nil])
            #expect(interval.evaluated == Evaluated([6.5, 7.5]))
        }
    }

    private func checkEvaluations(_ store: some TransactionalStore) async throws {
        var experiment = Experiment(
            "e", objective: .maximize("score"), population: 3, intervals: 2, space: ["x": .uniform(0...1)],
            exploit: .none)
        experiment.evaluate = Experiment.Evaluate(candidates: 3)
        experiment.trainer = Experiment.Trainer(command: ["true"], directory: "/")
        _ = try await store.create(experiment)
        for score in [9.0, 8, 1] { try await train(score, in: store) }
        let all = [0, 1, 2].map { IntervalID(member: $0, index: 0) }
        func evaluate(_ member: Int, _ number: Int, _ score: Double?, reason: String? = nil) async throws {
            _ = try await store.evaluated(
                Evaluation(number: number, score: score, reason: reason), of: all[member], in: "e")
        }
        try await evaluate(0, 0, 5)
        // Recorded once: a second process that had the same evaluation changes nothing.
        try await evaluate(0, 0, 100)
        try await evaluate(0, 1, 6)
        try await evaluate(1, 0, nil, reason: "exit 1")
        // A failed one may be repeated.
        try await evaluate(1, 0, 6.5)
        try await evaluate(1, 1, 7.5)
        try await evaluate(1, 2, nil, reason: "exit 1")
        try await evaluate(2, 0, 50)
        #expect(try await store.interval(all[0], of: "e").evaluations.map(\.score) == [5, 6])
        await #expect(throws: PBTError.self) { try await evaluate(0, 1000, 1) }
        await #expect(throws: PBTError.self) { try await evaluate(0, 3, .infinity) }
        await #expect(throws: PBTError.self) {
            _ = try await store.evaluated(
                Evaluation(number: 0, score: 1), of: IntervalID(member: 0, index: 1), in: "e")
        }
        // The last has one score of three, which is not enough.
        #expect(try await store.record(of: "e").best == all[0])
        try await evaluate(0, 2, 5.5)
        #expect(try await store.chooseWinner(among: all, of: "e") == all[1])
        let record = try await store.record(of: "e")
        #expect(record.best == all[1] && record.bestScore == 8 && record.isEvaluated)
        #expect(try await store.interval(all[1], of: "e").checkpointState == .kept)
        let events = try await store.events(of: "e", after: 0, limit: 1000).filter { $0.kind == .evaluated }
        #expect(events.count { $0.details["best"] == true } == 1)
        // Chosen once.
        _ = try await store.chooseWinner(among: all, of: "e")
        #expect(
            try await store.events(of: "e", after: 0, limit: 1000).count { $0.kind == .evaluated } == events.count)
        // The search goes on: the best is the best by score again.
        try await train(2, in: store)
        #expect(try await store.record(of: "e").best == all[0])
        #expect(try await store.record(of: "e").isEvaluated == false)
    }

    private func train(_ score: Double, in store: some TransactionalStore) async throws {
        let claim = try await store.claim(from: "e", by: "w", for: .seconds(60))
        guard case .assignment(let assignment) = claim else {
            Issue.record("\(claim)")
            return
        }
        let name = CheckpointName(assignment.interval.id, attempt: assignment.interval.attempts)
        _ = try await store.finish(
            assignment.lease, .trained(score: score, metrics: [:], checkpoint: name.description))
    }
}
