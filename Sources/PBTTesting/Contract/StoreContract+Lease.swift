// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    /// Leases: reports, renewals, releases, and expiry.
    static let leaseCases: [Case] = [
        Case("metrics so far are seen while an interval is trained, and not by its next attempt") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take()
            try await store.report(assignment.lease, ["loss": 0.5, "bad": .number(.nan), "notes": ["a", [:]]])
            let id = assignment.interval.id
            try expectEqual(
                try await test.open().interval(id, of: "e").metrics,
                ["loss": 0.5, "bad": .null, "notes": ["a", [:]]])
            try expectEqual(try await store.interval(id, of: "e").score, nil)
            var forged = assignment.lease
            forged.token = "0"
            let wrong = forged
            try await expectError(.leaseLost) { try await store.report(wrong, ["loss": 1]) }
            try await store.release(assignment.lease, because: "test")
            try expectEqual(try await store.take().interval.metrics, [:])
        },
        Case("a write without the lease is refused and changes nothing") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take()
            var forged = assignment.lease
            forged.token = "0"
            let before = try await store.interval(assignment.interval.id, of: "e")
            let outcome = Outcome.trained(score: 1, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)")
            let wrong = forged
            try await expectError(.leaseLost) { _ = try await store.finish(wrong, outcome) }
            try await expectError(.leaseLost) { _ = try await store.renew(wrong, for: .seconds(9)) }
            try await expectError(.leaseLost) { try await store.release(wrong, because: "") }
            try expectEqual(try await store.interval(assignment.interval.id, of: "e"), before)
            try await store.finish(assignment, score: 1)
            try await expectError(.leaseLost, mentions: "done") {
                _ = try await store.renew(assignment.lease, for: .seconds(9))
            }
            try await expectError(.leaseLost, mentions: "done") { _ = try await store.finish(wrong, outcome) }
        },
        Case("a lease that runs out is taken over, and its late report refused") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let first = try await store.take(for: .seconds(10))
            test.clock.advance(by: .seconds(11))
            let second = try await store.take(by: "other", for: .seconds(10))
            try expectEqual(second.interval.id, first.interval.id)
            try expectEqual(second.lease.attempt, 2)
            try expectEqual(second.interval.failures, 1)
            try await expectError(.leaseLost) { try await store.finish(first, score: 1) }
            try await store.finish(second, score: 2)
            try expectEqual(try await store.interval(first.interval.id, of: "e").score, 2)
        },
        Case("a late report is taken while nobody else has the interval") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take(for: .seconds(10))
            test.clock.advance(by: .seconds(1000))
            try expectEqual(try await store.finish(assignment, score: 1).interval.state, .done)
        },
        Case("a lease that is renewed lasts") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take(for: .seconds(10))
            for _ in 0..<5 {
                test.clock.advance(by: .seconds(9))
                let renewed = try await store.renew(assignment.lease, for: .seconds(10))
                try expectEqual(renewed.expires, test.clock.now.advanced(by: .seconds(10)))
                try expectEqual(try await store.claim(from: "e", by: "x", for: .seconds(1)), .nothingNow)
            }
        },
        Case("an interval given back costs no retry, a lost one does, until they are spent") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 2, retries: 1))
            try await store.finish(try await store.take(), score: 1)
            for _ in 0..<5 {
                try await store.release(try await store.take().lease, because: "interrupted")
            }
            let id = IntervalID(member: 1, index: 0)
            try expectEqual(try await store.interval(id, of: "e").failures, 0)
            for expected in [Interval.State.waiting, .failed] {
                let assignment = try await store.take(by: "dead")
                try expectEqual(assignment.interval.id, id)
                try expectEqual(try await store.abandon(worker: "dead", of: "e", because: "gone"), [id])
                try expectEqual(try await store.interval(id, of: "e").state, expected)
            }
            try expectEqual(try await store.abandon(worker: "dead", of: "e", because: "gone"), [])
        },
    ]
}
