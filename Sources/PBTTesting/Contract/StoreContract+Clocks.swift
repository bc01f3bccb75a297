// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    static let clockCases: [Case] = [
        Case("a clock that is set forward costs no lease and no retry, whichever handle was opened when") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take(for: .seconds(60))
            test.clock.step(by: .seconds(5 * 3600))
            try expectEqual(try await store.claim(from: "e", by: "other", for: .seconds(60)), .nothingNow)
            let later = try await test.open()
            try expectEqual(try await later.claim(from: "e", by: "other", for: .seconds(60)), .nothingNow)
            test.clock.advance(by: .seconds(50))
            _ = try await store.renew(assignment.lease, for: .seconds(60))
            test.clock.advance(by: .seconds(50))
            try expectEqual(try await later.claim(from: "e", by: "other", for: .seconds(60)), .nothingNow)
            let finished = try await store.finish(assignment, score: 1)
            try expectEqual(finished.interval.failures, 0)
            try expectEqual(finished.interval.attempts, 1)
        },
        Case("a clock that is set back keeps no dead lease beyond its term") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let dead = try await store.take(by: "dead", for: .seconds(60))
            test.clock.step(by: .seconds(-5 * 3600))
            try expectEqual(try await store.claim(from: "e", by: "other", for: .seconds(60)), .nothingNow)
            test.clock.advance(by: .seconds(61))
            let taken = try await test.open().take(by: "other", for: .seconds(60))
            try expectEqual(taken.interval.id, dead.interval.id)
            // The order of what happened is that of the events, whatever their times.
            try await store.finish(taken, score: 1)
            let kinds = try await store.events(of: "e", after: nil, limit: 100).map(\.kind)
            try expectEqual(Array(kinds.prefix(5)), [.created, .started, .lost, .started, .done])
            let record = try await store.record(of: "e")
            let audit = try Audit(experiment: record.experiment, intervals: try await store.intervals(of: "e"))
            try expectEqual(audit.mismatches, [])
        },
        Case("a synchronous generation's deadline does not pass because the clock was set") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 2, intervals: 2)
            experiment.isSynchronous = true
            experiment.deadline = .seconds(60)
            _ = try await store.create(experiment)
            let slow = try await store.take(for: .seconds(1000))
            test.clock.step(by: .seconds(5 * 3600))
            try await store.finish(try await store.take(by: "other"), score: 1)
            try expectEqual(try await store.claim(from: "e", by: "other", for: .seconds(60)), .nothingNow)
            try expectEqual(try await store.finish(slow, score: 2).interval.state, .done)
        },
        Case("an experiment's time limit goes by the time that passes, not by a clock that is set") { test in
            for step in [Duration.seconds(5 * 3600), .seconds(-5 * 3600)] {
                let store = try await test.open()
                var experiment = StoreUnderTest.experiment(step > .zero ? "ahead" : "back")
                experiment.stop.after = .seconds(100)
                _ = try await store.create(experiment)
                test.clock.step(by: step)
                let later = try await test.open()
                test.clock.advance(by: .seconds(99))
                try expectEqual(try await store.record(of: experiment.name).state, .running)
                let claim = try await later.claim(from: experiment.name, by: "w", for: .seconds(1))
                guard case .assignment = claim else {
                    try expect(false, "nothing is claimed: \(claim)")
                    return
                }
                test.clock.advance(by: .seconds(1))
                try expectEqual(
                    try await later.claim(from: experiment.name, by: "w", for: .seconds(1)), .over(.finished))
            }
        },
        Case("after the store's process was stopped, holders may renew before their leases end") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 2))
            let held = try await store.take(by: "holder", for: .seconds(60))
            let dead = try await store.take(by: "dead", for: .seconds(60))
            test.clock.stop(for: .seconds(600))
            try expectEqual(try await store.claim(from: "e", by: "other", for: .seconds(60)), .nothingNow)
            _ = try await store.renew(held.lease, for: .seconds(600))
            // The grace period ends when the process has run again for a while.
            for _ in 0..<2 {
                test.clock.stop(for: .seconds(20))
                _ = try await store.record(of: "e")
            }
            try expectEqual(try await store.take(by: "other").interval.id, dead.interval.id)
            try expectEqual(try await store.finish(held, score: 1).interval.failures, 0)
        },
    ]
}
