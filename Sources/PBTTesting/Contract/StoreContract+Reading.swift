// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    /// Change feeds, selections, and events.
    static let readingCases: [Case] = [
        Case("the change feed has every interval that was written to, and no other") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 3, intervals: 3)
            experiment.kind = .randomSearch
            _ = try await store.create(experiment)
            var mirror = IntervalMirror()
            mirror.apply(try await store.changes(of: "e", since: nil))
            try expectEqual(mirror.intervals.count, 3)

            let first = try await store.take()
            let second = try await store.take()
            let steps: [(String, () async throws -> Void, [IntervalID])] = [
                ("nothing", {}, [first.interval.id, second.interval.id]),
                ("nothing again", {}, []),
                ("renew", { _ = try await store.renew(first.lease, for: .seconds(90)) }, [first.interval.id]),
                ("report", { try await store.report(first.lease, ["loss": 2]) }, [first.interval.id]),
                (
                    "finish", { try await store.finish(first, score: 1) },
                    [first.interval.id, IntervalID(member: 0, index: 1)]
                ),
                ("pin", { try await store.pin(first.interval.id, of: "e", true) }, [first.interval.id]),
                ("release", { try await store.release(second.lease, because: "it ends") }, [second.interval.id]),
                ("pause", { try await store.pause("e") }, []),
                ("resume", { try await store.resume("e") }, []),
            ]
            for (what, step, expected) in steps {
                try await step()
                let changes = try await store.changes(of: "e", since: mirror.cursor)
                try expectEqual(changes.intervals.map(\.id).sorted(), expected, what)
                try expect(!changes.isReset && !changes.hasMore, what)
                mirror.apply(changes)
                try expectEqual(mirror.intervals, try await store.intervals(of: "e"), what)
            }
            for score in [2.0, 3] { try await store.finish(try await store.take(), score: score) }
            let garbage = try await store.garbage(of: "e")
            mirror.apply(try await store.changes(of: "e", since: mirror.cursor))
            try await store.collected(garbage, of: "e")
            let collected = try await store.changes(of: "e", since: mirror.cursor).intervals
            try expectEqual(collected.compactMap(\.checkpoint).sorted(), garbage.sorted())
            mirror.apply(try await store.changes(of: "e", since: mirror.cursor))
            try expectEqual(mirror.intervals, try await store.intervals(of: "e"))
        },
        Case("the change feed comes in pages of any size, also while intervals keep changing") { test in
            for limit in [1, 2, 5, 1000] {
                let store = try await test.open()
                let name = "e\(limit)"
                _ = try await store.create(StoreUnderTest.experiment(name, population: 5, intervals: 4))
                var mirror = IntervalMirror()
                var parts = 0
                for step in 0..<12 {
                    let claim = try await store.claim(from: name, by: "w", for: .seconds(60))
                    guard case .assignment(let assignment) = claim else { break }
                    try await store.finish(assignment, score: Double(step % 5))
                    let part = try await store.changes(of: name, since: mirror.cursor, limit: limit)
                    try expect(part.intervals.count <= limit, "\(part.intervals.count) of at most \(limit)")
                    mirror.apply(part)
                }
                while true {
                    let part = try await store.changes(of: name, since: mirror.cursor, limit: limit)
                    parts += 1
                    mirror.apply(part)
                    if !part.hasMore { break }
                    try expect(parts < 100, "it ends")
                }
                try expectEqual(mirror.intervals, try await store.intervals(of: name), "by \(limit)")
            }
        },
        Case("the change feed of another experiment of the same name is reset") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 4))
            var mirror = IntervalMirror()
            mirror.apply(try await store.changes(of: "e", since: nil))
            try await store.stop("e", because: "enough")
            try await store.remove("e")
            try await expectError(.noSuchExperiment) { _ = try await store.changes(of: "e", since: mirror.cursor) }
            _ = try await store.create(StoreUnderTest.experiment(population: 2))
            let changes = try await store.changes(of: "e", since: mirror.cursor)
            try expect(changes.isReset)
            mirror.apply(changes)
            try expectEqual(mirror.intervals, try await store.intervals(of: "e"))
            try expectEqual(mirror.intervals.count, 2)
        },
        Case("the change feed has the writes of other handles") { test in
            let store = try await test.open()
            let other = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 3, intervals: 2))
            var mirror = IntervalMirror()
            mirror.apply(try await store.changes(of: "e", since: nil))
            for handle in [store, other, store, other, other] {
                try await handle.finish(try await handle.take(), score: 1)
                mirror.apply(try await store.changes(of: "e", since: mirror.cursor))
                try expectEqual(mirror.intervals, try await other.intervals(of: "e"))
            }
        },
        Case("a selection is what it says of all intervals") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 5, intervals: 4))
            for step in 0..<11 {
                let assignment = try await store.take()
                try await store.finish(assignment, score: step % 4 == 3 ? .nan : Double(step))
            }
            _ = try await store.take()
            let all = try await store.intervals(of: "e")
            var selections: [IntervalSelection] = []
            for member in [nil, 2, 99] {
                for state in [nil] + Interval.State.allCases {
                    for checkpoints: Set<Interval.CheckpointState>? in [nil, [], [.kept], [.garbage, .none]] {
                        for newestOnly in [false, true] {
                            selections.append(
                                IntervalSelection(
                                    member: member, state: state, checkpoints: checkpoints, newestOnly: newestOnly))
                        }
                    }
                }
            }
            for selection in selections {
                let wanted = all.filter { interval in
                    (selection.member == nil || interval.id.member == selection.member)
                        && (selection.state == nil || interval.state == selection.state)
                        && (selection.checkpoints?.contains(interval.checkpointState) ?? true)
                        && (!selection.newestOnly
                            || interval.id.index == all.last { $0.id.member == interval.id.member }?.id.index)
                }
                try expectEqual(try await store.intervals(of: "e", selection), wanted, "\(selection)")
                var part = selection
                part.limit = 2
                var parts: [Interval] = []
                repeat {
                    let found = try await store.intervals(of: "e", part)
                    parts += found
                    part.after = found.last?.id
                    if found.count < 2 { break }
                } while true
                try expectEqual(parts, wanted, "in parts: \(selection)")
            }
        },
        Case("events have increasing numbers and tell the whole story") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1, intervals: 1))
            let assignment = try await store.take()
            try await store.release(assignment.lease, because: "x")
            try await store.finish(try await store.take(), score: 1)
            let events = try await store.events(of: "e", after: nil, limit: 99)
            try expectEqual(events.map(\.kind), [.created, .started, .released, .started, .done, .ended])
            try expect(zip(events, events.dropFirst()).allSatisfy { $0.id < $1.id })
            try expectEqual(events[4].details["score"], 1.0)
            try expectEqual(events[4].interval, assignment.interval.id)
            try expectEqual(try await store.lastEvent(), events.last?.id ?? 0)
            try expectEqual(
                try await store.events(of: "e", after: events[2].id, limit: 2).map(\.kind), [.started, .done])
        },
        Case("following replays what was and then yields what comes") { test in
            let store = try await test.open()
            let other = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1, intervals: 1))
            let seen = try await withThrowingTaskGroup(of: [Event.Kind].self) { group in
                group.addTask {
                    var seen: [Event.Kind] = []
                    for try await event in store.follow("e") {
                        seen.append(event.kind)
                        if event.kind == .ended { break }
                        // The rest happens through another handle, and only once the first was seen.
                        if event.kind == .created { try await other.finish(try await other.take(), score: 1) }
                    }
                    return seen
                }
                return try await group.next() ?? []
            }
            try expectEqual(seen, [.created, .started, .done, .ended])
        },
    ]
}
