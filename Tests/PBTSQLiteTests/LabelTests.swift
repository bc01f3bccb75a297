// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTTesting
import Testing

/// What a ledger keeps for those who give intervals names from outside.
@Suite struct LabelTests {
    private static let experiment = Experiment(
        "e", objective: .maximize("score"), population: 3, intervals: 3, seed: 1, space: ["x": .uniform(0...1)])

    @Test func `a store in memory finds intervals by label`() async throws {
        let clock = ManualClock()
        try await check(InMemoryStore(clock: clock.store), clock)
    }

    @Test func `a store in a SQLite file finds intervals by label`() async throws {
        try await withTemporaryDirectory { directory in
            let clock = ManualClock()
            try await check(SQLiteStore(path: "\(directory)/store.sqlite", clock: clock.store), clock)
        }
    }

    private func check(_ store: some TransactionalStore, _ clock: ManualClock) async throws {
        _ = try await store.create(Self.experiment)
        _ = try await store.create(Self.other)
        func label(_ label: String?, member: Int, notes: [String: Value] = [:]) async throws {
            try await store.write(durable: true) { ledger in
                let record = try ledger.existing("e")
                var interval = try ledger.existing(IntervalID(member: member, index: 0), in: record)
                interval.label = label
                interval.notes = notes
                try ledger.updateNotes(interval, in: record)
            }
        }
        func find(_ label: String, of name: String = "e") async throws -> IntervalID? {
            try await store.read { try $0.interval(labeled: label, in: $0.existing(name))?.id }
        }
        try await label("ü_/-", member: 1, notes: ["a": [1, nil, ["b": 1.5]]])
        try await label("second", member: 2)
        #expect(try await find("ü_/-") == IntervalID(member: 1, index: 0))
        #expect(try await find("none") == nil)
        #expect(try await find("second", of: "other") == nil)
        let notes = try await store.interval(IntervalID(member: 1, index: 0), of: "e").notes
        #expect(notes == ["a": [1, nil, ["b": 1.5]]])

        // Pages, by member and index.
        func page(after last: IntervalID?, limit: Int) async throws -> [String?] {
            try await store.read { try $0.labeled(in: $0.existing("e"), after: last, limit: limit).map(\.label) }
        }
        #expect(try await page(after: nil, limit: 9) == ["ü_/-", "second"])
        #expect(try await page(after: nil, limit: 1) == ["ü_/-"])
        #expect(try await page(after: IntervalID(member: 1, index: 0), limit: 9) == ["second"])

        // A label that is taken away is free again.
        try await label(nil, member: 1)
        #expect(try await find("ü_/-") == nil)
        try await label("ü_/-", member: 0)
        #expect(try await find("ü_/-") == IntervalID(member: 0, index: 0))

        // What is reserved is handed out to nobody, by label or not, until its time is over; that is no failure.
        try await store.write(durable: true) { ledger in
            let record = try ledger.existing("e")
            var interval = try ledger.existing(IntervalID(member: 0, index: 0), in: record)
            interval.leaseExpires = ledger.now.advanced(by: .seconds(30))
            try ledger.update(interval, in: record)
        }
        let queued = try await store.read { try $0.firstQueued(in: $0.existing("e"))?.label }
        #expect(queued == "second")
        var taken: [IntervalID] = []
        while case .assignment(let assignment) = try await store.claim(from: "e", by: "w", for: .seconds(600)) {
            taken.append(assignment.interval.id)
        }
        #expect(taken == [1, 2].map { IntervalID(member: $0, index: 0) })
        clock.advance(by: .seconds(30))
        guard case .assignment(let last) = try await store.claim(from: "e", by: "w", for: .seconds(600)) else {
            Issue.record("the reservation is not over")
            return
        }
        #expect(last.interval.label == "ü_/-")
        #expect(last.interval.failures == 0)

        // Notes of an experiment survive as well.
        try await store.write(durable: true) { ledger in
            var record = try ledger.existing("e")
            record.notes = ["kind": ["Manual": nil]]
            try ledger.updateNotes(record)
        }
        #expect(try await store.record(of: "e").notes == ["kind": ["Manual": nil]])
    }

    private static var other: Experiment {
        var other = experiment
        other.name = "other"
        return other
    }
}
