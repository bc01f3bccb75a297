// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTTesting
import Testing

@Suite struct `A worker that is stopped but lives on this machine` {
    private let id = IntervalID(member: 0, index: 0)

    private func store(in directory: String, _ clock: ManualClock) async throws -> SQLiteStore {
        let store = try SQLiteStore(
            path: "\(directory)/store.sqlite", clock: clock.store, isAlive: { $0 == "stopped" })
        _ = try await store.create(
            Experiment(
                "e", objective: .maximize("score"), population: 1, intervals: 2, space: ["x": .uniform(0...1)],
                retries: 1))
        return store
    }

    @Test func `keeps its lease for ten minutes beyond its term`() async throws {
        try await withTemporaryDirectory { directory in
            let clock = ManualClock()
            let store = try await store(in: directory, clock)
            let claims = try await store.claim(1, from: "e", by: "stopped", for: .seconds(60), key: nil)
            clock.advance(by: .seconds(600))
            #expect(try await store.claim(from: "e", by: "other", for: .seconds(60)) == .nothingNow)
            let lease = try #require(claims.assignments.first?.lease)
            _ = try await store.renew(lease, for: .seconds(60))
            let finished = try await store.finish(
                lease, .trained(score: 1, metrics: [:], checkpoint: "\(lease.checkpointName)"))
            #expect(finished.interval.failures == 0)
        }
    }

    @Test func `loses it then without a failure`() async throws {
        try await withTemporaryDirectory { directory in
            let clock = ManualClock()
            let store = try await store(in: directory, clock)
            _ = try await store.claim(1, from: "e", by: "stopped", for: .seconds(60), key: nil)
            clock.advance(by: .seconds(661))
            guard case .assignment(let taken) = try await store.claim(from: "e", by: "other", for: .seconds(60)) else {
                Issue.record("its interval is not handed out again")
                return
            }
            #expect(taken.interval.id == id)
            #expect(taken.interval.failures == 0)
        }
    }

    @Test func `is not waited for when it is dead`() async throws {
        try await withTemporaryDirectory { directory in
            let clock = ManualClock()
            let store = try await store(in: directory, clock)
            _ = try await store.claim(1, from: "e", by: "dead", for: .seconds(60), key: nil)
            clock.advance(by: .seconds(61))
            guard case .assignment(let taken) = try await store.claim(from: "e", by: "other", for: .seconds(60)) else {
                Issue.record("its interval is not handed out again")
                return
            }
            #expect(taken.interval.failures == 1)
        }
    }
}
