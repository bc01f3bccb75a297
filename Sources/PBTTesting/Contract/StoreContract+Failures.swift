// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    static let failureCases: [Case] = [
        Case("until an interval was trained none is lost: the experiment fails, and resumes with its founders") {
            test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 8, retries: 0))
            let before = try await store.intervals(of: "e")
            for number in 0..<3 {
                let assignment = try await store.take()
                try expectEqual(assignment.interval.id.member, number, "retries come after what was not tried yet")
                let reason = "exit 1: TypeError at step 1\(number)"
                let finished = try await store.finish(assignment.lease, .failed(reason: reason))
                try expectEqual(finished.record.state, number == 2 ? .failed : .running)
            }
            let record = try await store.record(of: "e")
            try expect(record.reason?.contains("3 failed in the same way") ?? false, record.reason ?? "no reason")
            try expect(record.reason?.hasSuffix("TypeError at step 12") ?? false, record.reason ?? "no reason")
            try await test.open().resume("e")
            let after = try await store.intervals(of: "e")
            try expectEqual(after.map(\.state), before.map(\.state))
            try expectEqual(after.map(\.hyperparameters), before.map(\.hyperparameters))
            try expectEqual(after.map(\.failures), before.map { _ in 0 })
            try expectEqual(after.map(\.attempts).reduce(0, +), 3)
            for _ in 0..<8 { try await store.finish(try await store.take(), score: 1) }
            try expectEqual(try await store.record(of: "e").counts[.failed] ?? 0, 0)
        },
        Case("an experiment of which nothing can be trained fails when every interval has spent its retries") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 2, retries: 1))
            var state = ExperimentRecord.State.running
            for reason in ["a", "b", "c", "d"] {
                try expectEqual(state, .running)
                state = try await store.finish(try await store.take().lease, .failed(reason: reason)).record.state
            }
            try expectEqual(state, .failed)
            try expectEqual(try await store.intervals(of: "e").map(\.state), [.waiting, .waiting])
        },
        Case("an attempt that has lasted much longer than those that fail keeps its experiment") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 6, retries: 0))
            let good = try await store.take(by: "good")
            test.clock.advance(by: .seconds(30))
            for _ in 0..<6 {
                let failed = try await store.take(by: "bad")
                test.clock.advance(by: .seconds(1))
                try expectEqual(
                    try await store.finish(failed.lease, .failed(reason: "no module")).record.state, .running)
            }
            try expectEqual(try await store.finish(good, score: 1).record.counts[.failed] ?? 0, 0)
        },
        Case("a worker that fails where others succeed is set aside, and what it failed costs no retry") { test in
            let store = try await test.open()
            let other = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 6, intervals: 2, retries: 1))
            try await store.finish(try await store.take(by: "good"), score: 1)
            for _ in 0..<4 {
                _ = try await store.finish(try await store.take(by: "bad").lease, .failed(reason: "no such module"))
            }
            try expectEqual(try await store.intervals(of: "e").map(\.failures).reduce(0, +), 4)
            // Those that it did not try come first: what it failed is trained by the other one.
            for _ in 0..<3 { try await store.finish(try await store.take(by: "good"), score: 1) }
            try await expectError(.setAside, mentions: "no such module") { _ = try await other.take(by: "bad") }
            let intervals = try await store.intervals(of: "e")
            try expectEqual(intervals.filter { !$0.state.isFinished }.map(\.failures).reduce(0, +), 0)
            try expectEqual(intervals.count { $0.state == .failed }, 0)
            try expectEqual(
                try await store.events(of: "e", after: nil, limit: 1000).filter { $0.kind == .setAside }
                    .map { $0.details["worker"] }, ["bad"])
            while case .assignment(let assignment) = try await store.claim(from: "e", by: "good", for: .seconds(9)) {
                try await store.finish(assignment, score: 2)
            }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.counts[.done], 12)
            let audit = try Audit(experiment: record.experiment, intervals: try await store.intervals(of: "e"))
            try expectEqual(audit.mismatches, [])
        },
        Case("a worker that succeeds now and then is not set aside") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 8, intervals: 3, retries: 5))
            for round in 0..<6 {
                for _ in 0..<2 {
                    _ = try await store.finish(try await store.take(by: "flaky").lease, .failed(reason: "bad luck"))
                }
                try await store.finish(try await store.take(by: "good"), score: Double(round))
                try await store.finish(try await store.take(by: "flaky"), score: Double(round))
            }
            _ = try await store.take(by: "flaky")
        },
        Case("what one worker alone fails waits for another while others are at work, and is lost when two failed it") {
            test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 2, retries: 1))
            let first = try await store.take(by: "b")
            try expectEqual(first.interval.id.member, 0)
            try await store.finish(first, score: 1)
            // b has an interval from now on.
            let poison = IntervalID(member: 1, index: 0)
            let tried = try await store.take(by: "a")
            try expectEqual(tried.interval.id, poison)
            let held = try await store.take(by: "b")
            _ = try await store.finish(tried.lease, .failed(reason: "poison"))
            let again = try await store.take(by: "a")
            try expectEqual(try await store.finish(again.lease, .failed(reason: "poison")).interval.state, .waiting)
            try expectEqual(try await store.claim(from: "e", by: "a", for: .seconds(9)), .nothingNow)
            let last = try await store.take(by: "b")
            try expectEqual(last.interval.id, poison)
            try expectEqual(try await store.finish(last.lease, .failed(reason: "poison")).interval.state, .failed)
            try await store.finish(held, score: 2)
        },
        Case("what the only worker fails again and again is lost") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 2, retries: 1))
            try await store.finish(try await store.take(by: "a"), score: 1)
            for expected in [Interval.State.waiting, .failed] {
                let assignment = try await store.take(by: "a")
                try expectEqual(
                    try await store.finish(assignment.lease, .failed(reason: "poison")).interval.state, expected)
            }
        },
    ]
}
