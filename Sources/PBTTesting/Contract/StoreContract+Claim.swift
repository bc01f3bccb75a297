// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    /// Claims: order, concurrency, and repetition by key.
    static let claimCases: [Case] = [
        Case("the least trained member is claimed first, and never twice") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(exploit: .none))
            var claimed: [IntervalID] = []
            for _ in 0..<4 { claimed.append(try await store.take().interval.id) }
            try expectEqual(claimed, (0..<4).map { IntervalID(member: $0, index: 0) })
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
        },
        Case("the one that fell behind comes before those ahead") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 3, exploit: .none))
            let slow = try await store.take()
            for _ in 0..<4 { try await store.finish(try await store.take(), score: 1) }
            try await store.release(slow.lease, because: "test")
            try expectEqual(try await store.take().interval.id, slow.interval.id)
        },
        Case("an assignment carries what is needed to train") { test in
            let store = try await test.open()
            let experiment = StoreUnderTest.experiment(population: 1, exploit: .none)
            _ = try await store.create(experiment)
            let first = try await store.take(by: "me")
            try expectEqual(first.parentCheckpoint, nil)
            try expectEqual(first.lease.attempt, 1)
            try expectEqual(first.lease.worker, "me")
            try expectEqual(first.seed, experiment.trainerSeed(for: first.interval.id))
            try await store.finish(first, score: 0.5)
            let second = try await store.take()
            try expectEqual(second.parentCheckpoint, "m0000-i0000-a1")
            try expectEqual(second.interval.parent, first.interval.id)
            try expectEqual(second.interval.depth, 2)
        },
        Case("concurrent claims through several handles get different intervals") { test in
            let handles = [try await test.open(), try await test.open(), try await test.open()]
            _ = try await handles[0].create(StoreUnderTest.experiment(population: 60, exploit: .none))
            let claimed = try await withThrowingTaskGroup(of: [IntervalID].self) { group in
                for i in 0..<12 {
                    group.addTask {
                        var mine: [IntervalID] = []
                        while case .assignment(let assignment) = try await handles[i % 3].claim(
                            from: "e", by: "w\(i)", for: .seconds(60))
                        {
                            mine.append(assignment.interval.id)
                        }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try expectEqual(claimed.count, 60)
            try expectEqual(Set(claimed).count, 60)
        },
        Case("several intervals are claimed in one call, as many as there are") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(exploit: .none))
            let first = try await store.claim(3, from: "e", by: "w", for: .seconds(60), key: nil)
            try expectEqual(first.assignments.map(\.interval.id.member), [0, 1, 2])
            try expectEqual(first.record.counts[.running], 3)
            let rest = try await test.open().claim(3, from: "e", by: "w", for: .seconds(60), key: nil)
            try expectEqual(rest.assignments.map(\.interval.id.member), [3])
            try expectEqual(Set((first.assignments + rest.assignments).map(\.lease.token)).count, 4)
        },
        Case("a claim that is repeated with its key gets the same intervals, for as long as they are leased") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(exploit: .none))
            let key = "0123456789abcdefghijkl"
            let first = try await store.claim(2, from: "e", by: "w", for: .seconds(60), key: key)
            test.clock.advance(by: .seconds(50))
            let again = try await test.open().claim(2, from: "e", by: "w", for: .seconds(60), key: key)
            try expectEqual(again.assignments.map(\.lease.token), first.assignments.map(\.lease.token))
            try expectEqual(again.assignments.map(\.interval.id), first.assignments.map(\.interval.id))
            try expectEqual(again.assignments.map(\.lease.attempt), [1, 1])
            test.clock.advance(by: .seconds(50))
            _ = try await store.renew(first.assignments[0].lease, for: .seconds(1))
            let another = try await store.claim(9, from: "e", by: "v", for: .seconds(60), key: key)
            try expectEqual(another.assignments.map(\.interval.id.member), [2, 3])
            let other = try await store.claim(
                1, from: "e", by: "w", for: .seconds(60), key: "another-key-just-as-random")
            try expectEqual(other.assignments, [])
        },
        Case("of many concurrent calls, those that fail change nothing, and the others are atomic") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 40, intervals: 2, exploit: .none))
            let claims = try await store.claim(40, from: "e", by: "w", for: .seconds(60), key: nil)
            let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
                for (i, assignment) in claims.assignments.enumerated() {
                    group.addTask {
                        var lease = assignment.lease
                        if i % 3 == 0 { lease.token = "0" }
                        let outcome = Outcome.trained(
                            score: Double(i), metrics: [:], checkpoint: "\(lease.checkpointName)")
                        do {
                            _ = try await store.finish(lease, outcome)
                            return false
                        } catch let error as PBTError where error.code == .leaseLost {
                            return true
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            try expectEqual(refused, 14)
            let record = try await test.open().record(of: "e")
            try expectEqual(record.counts[.done], 26)
            try expectEqual(record.counts[.running], 14)
            try expectEqual(record.counts[.waiting], 26)
            try expectEqual(record.finishedIntervals, 26)
            let intervals = try await store.intervals(of: "e")
            try expectEqual(Set(intervals.compactMap(\.sequence)), Set(0..<26))
            try expectEqual(try Audit(experiment: record.experiment, intervals: intervals).mismatches, [])
        },
    ]
}
