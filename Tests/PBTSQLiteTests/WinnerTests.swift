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
            for score in scores {
                let claim = try await store.claim(from: "e", by: "w", for: .seconds(60))
                guard case .assignment(let assignment) = claim else { return #expect(Bool(false), "\(claim)") }
                _ = try await store.finish(
                    assignment.lease,
                    .trained(
                        score: score, metrics: [:],
                        checkpoint: CheckpointName(assignment.interval.id, attempt: assignment.interval.attempts)
                            .description))
            }
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
}
