// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    private static func halving(
        _ name: String = "e", population: Int, intervals: Int, factor: Int, first: Int = 1
    ) -> Experiment {
        var experiment = StoreUnderTest.experiment(
            name, kind: .successiveHalving(Halving(factor: factor, first: first)), population: population,
            intervals: intervals, exploit: .none, explore: .none)
        experiment.decides = .certain
        return experiment
    }

    static let halvingCases: [Case] = [
        Case("a member continues beyond a rung, or ends there, as soon as missing scores cannot change it") { test in
            let store = try await test.open()
            let other = try await test.open()
            // Rungs after 1 and 2 intervals of 4; of 4 members 2 and 1 continue: 4 + 2 + 2 intervals.
            let created = try await store.create(halving(population: 4, intervals: 4, factor: 2))
            try expectEqual(created.intervalsPlanned, 8)
            var founders: [Assignment] = []
            for _ in 0..<4 { founders.append(try await store.take()) }
            func ids(_ finished: Finished) -> [IntervalID] { finished.decisions.map(\.interval) }
            try expectEqual(ids(try await store.finish(founders[0], score: 5)), [])
            try expectEqual(ids(try await other.finish(founders[1], score: 3)), [])
            try expectEqual(try await store.record(of: "e").undecided, 2)
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(60)), .nothingNow)
            // The best of 3 cannot fall below the 2nd of 4, the third cannot rise to it.
            let third = try await store.finish(founders[2], score: 2)
            try expectEqual(third.decisions.map(\.interval.member), [0, 2])
            try expectEqual(third.decisions.map(\.outcome), [.continues, .ends])
            try expectEqual(third.garbage, ["m0002-i0000-a1"])
            let fast = try await other.take()
            try expectEqual(fast.interval.id, IntervalID(member: 0, index: 1))
            try expectEqual(fast.interval.decided, Interval.Decided(after: 3, order: 0, members: 4))
            // Of at most 2 at the next rung, the first to come has to wait.
            try expectEqual(ids(try await other.finish(fast, score: 6)), [])
            let last = try await store.finish(founders[3], score: 4)
            try expectEqual(last.decisions.map(\.interval.member), [1, 3])
            try expectEqual(last.decisions.map(\.outcome), [.ends, .continues])
            let slow = try await store.take()
            try expectEqual(slow.interval.id, IntervalID(member: 3, index: 1))
            let rung = try await store.finish(slow, score: 7)
            try expectEqual(rung.decisions.map(\.interval.member), [0, 3])
            try expectEqual(rung.decisions.map(\.outcome), [.ends, .continues])
            for score in [8.0, 9] { try await store.finish(try await other.take(), score: score) }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.best, IntervalID(member: 3, index: 3))
            try expectEqual(record.intervalsFinished, 8)
            try expectEqual(record.intervalsPlanned, 8)
            try expectEqual(record.membersEnded, 4)
            try await expectAudited(store)
        },
        Case("members that diverge or fail on the way to a rung are not waited for there") { test in
            let store = try await test.open()
            // Rungs after 2 and 6 intervals of 7; of 6 members 2 and 1 continue: 12 + 8 + 1 intervals.
            var experiment = halving(population: 6, intervals: 7, factor: 3, first: 2)
            experiment.retries = 0
            _ = try await store.create(experiment)
            func take(_ member: Int) async throws -> Assignment {
                let assignment = try await store.take()
                try expectEqual(assignment.interval.id.member, member)
                return assignment
            }
            try await store.finish(try await take(0), score: 1)
            for member in 1..<5 { try await store.finish(try await take(member), score: .nan) }
            try await store.finish(try await take(5), score: 2)
            try expectEqual(try await store.record(of: "e").intervalsPlanned, 21 - 4)
            // One of the two that are left fails, so that the other one goes all the way alone.
            let failing = try await take(0)
            try await store.finish(try await take(5), score: 3)
            _ = try await store.finish(failing.lease, .failed(reason: "trouble"))
            try expectEqual(try await store.record(of: "e").intervalsPlanned, 21 - 4 - 4)
            for _ in 2..<7 { try await store.finish(try await take(5), score: 3) }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.intervalsFinished, 13)
            try expectEqual(record.intervalsPlanned, 13)
            try await expectAudited(store)
        },
        Case("if all members diverge before a rung, the search ends") { test in
            let store = try await test.open()
            _ = try await store.create(halving(population: 9, intervals: 27, factor: 3, first: 2))
            for count in 1...12 {
                try await store.finish(try await store.take(), score: count <= 3 ? Double(count) : .nan)
            }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.intervalsPlanned, record.intervalsFinished)
            try await expectAudited(store)
        },
        Case("successive halving gives the same tree in whatever order, and is derived again in trouble") { test in
            var trees: [[Interval]] = []
            for order in 0..<8 {
                let store = try await test.open()
                let experiment = halving("e\(order)", population: 20, intervals: 11, factor: 2 + order / 4)
                _ = try await store.create(experiment)
                try await ContractSimulation(
                    store: store, other: test.open(), experiment: experiment, clock: test.clock,
                    seed: UInt64(order), troubles: order % 4 == 3
                ).run(workers: [1, 3, 8, 5][order % 4])
                if order < 3 { trees.append(try await store.intervals(of: experiment.name).map(\.inTree)) }
            }
            for tree in trees { try expectEqual(tree, trees[0]) }
            // 20 + 10 + 5·2 + 2·4 + 1·3
            try expectEqual(trees[0].count, 51)
        },
        Case("the rungs of a search by successive halving cannot be edited, its trainer can, also between finishes") {
            test in
            let store = try await test.open()
            var experiment = halving(population: 4, intervals: 4, factor: 2)
            _ = try await store.create(experiment)
            var founders: [Assignment] = []
            for _ in 0..<4 { founders.append(try await store.take()) }
            for (member, score) in [(0, 5.0), (1, 3), (2, 2)] {
                try await store.finish(founders[member], score: score)
            }
            experiment.intervals = 8
            try await expectError(.wrongState, mentions: "intervals: 4 → 8: a search by successive halving cannot") {
                _ = try await store.revise(experiment)
            }
            experiment.intervals = 4
            experiment.retries = 7
            _ = try await store.revise(experiment)
            let last = try await test.open().finish(founders[3], score: 4)
            try expectEqual(last.decisions.map(\.interval.member), [1, 3])
            while case .assignment(let next) = try await store.claim(from: "e", by: "w", for: .seconds(60)) {
                try await store.finish(next, score: 2)
            }
            try expectEqual(try await store.record(of: "e").intervalsFinished, 8)
            let audit = try await Audit(revisions: store.revisions(of: "e"), intervals: store.intervals(of: "e"))
            try expectEqual(audit.mismatches, [])
        },
        Case("an edit of the trainer makes no decision about members that wait for certainty") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(
                population: 4, intervals: 2, exploit: .truncation(0.25), retries: 1)
            experiment.decides = .certain
            _ = try await store.create(experiment)
            var founders: [Assignment] = []
            for _ in 0..<4 { founders.append(try await store.take()) }
            try await store.finish(founders[0], score: 1)
            experiment.retries = 3
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").undecided, 1)
            for member in 1..<4 { try await store.finish(founders[member], score: Double(member + 1)) }
            for _ in 0..<4 { try await store.finish(try await store.take(), score: 1) }
            let audit = try await Audit(revisions: store.revisions(of: "e"), intervals: store.intervals(of: "e"))
            try expectEqual(audit.mismatches, [])
        },
    ]
}
