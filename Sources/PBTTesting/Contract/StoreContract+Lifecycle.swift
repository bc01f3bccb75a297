// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    static let checkpointCases: [Case] = [
        Case("a donor's checkpoint outlives the donor's progress while a child needs it") { test in
            let store = try await test.open()
            _ = try await store.create(
                StoreUnderTest.experiment(population: 2, intervals: 5, exploit: .truncation(0.5)))
            let donor = try await store.take()
            let loser = try await store.take()
            try await store.finish(donor, score: 2)
            try expectEqual(try await store.finish(loser, score: 1).garbage, ["m0001-i0000-a1"])
            try await store.collected(["m0001-i0000-a1"], of: "e")
            let child = IntervalID(member: 1, index: 1)
            try expectEqual(try await store.interval(child, of: "e").parent, donor.interval.id)
            let next = try await store.take()
            try await store.finish(next, score: 3)
            try expectEqual(try await store.interval(donor.interval.id, of: "e").checkpointState, .kept)
            let heir = try await store.take()
            try expectEqual(heir.interval.id, child)
            try expectEqual(heir.parentCheckpoint, "m0000-i0000-a1")
            let garbage = try await store.finish(heir, score: 1.5).garbage
            try expect(garbage.contains("m0000-i0000-a1"), "\(garbage)")
            try await store.collected(garbage, of: "e")
            try expectEqual(try await store.interval(donor.interval.id, of: "e").checkpointState, .deleted)
            try expectEqual(try await store.garbage(of: "e"), [])
        },
        Case("the best ever is kept although its member went on") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1, intervals: 4))
            for score in [9.0, 1, 2, 3] { try await store.finish(try await store.take(), score: score) }
            let states = try await store.intervals(of: "e").map(\.checkpointState)
            try expectEqual(states, [.kept, .garbage, .garbage, .kept])
        },
        Case("keep holds as many of the best and of the last as it says") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 1, intervals: 6)
            experiment.keep = Experiment.Keep(best: 2, last: 3)
            _ = try await store.create(experiment)
            for score in [9.0, 8, 1, 2, 3, 4] { try await store.finish(try await store.take(), score: score) }
            let kept = try await store.intervals(of: "e").filter { $0.checkpointState == .kept }.map(\.id.index)
            try expectEqual(kept, [0, 1, 3, 4, 5])
        },
        Case("a pin keeps a checkpoint until it is taken out") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1, intervals: 3))
            let first = try await store.take()
            try await store.finish(first, score: 1)
            try await store.pin(first.interval.id, of: "e", true)
            for score in [2.0, 3] { try await store.finish(try await store.take(), score: score) }
            try expectEqual(try await store.interval(first.interval.id, of: "e").checkpointState, .kept)
            try await store.pin(first.interval.id, of: "e", false)
            try expectEqual(try await store.interval(first.interval.id, of: "e").checkpointState, .garbage)
            try await expectError(.wrongState) { try await store.pin(first.interval.id, of: "e", true) }
        },
        Case("through hundreds of random events, what is needed is kept and what is garbage is not needed") { test in
            for (seed, rule) in [
                ExploitRule.truncation(), .binaryTournament, .tTest(window: 3, significance: 0.3), .best, .none,
            ].enumerated() {
                let store = try await test.open()
                var experiment = StoreUnderTest.experiment(
                    "e\(seed)", population: 7, intervals: 12, exploit: rule, explore: .perturb(resampling: 0.2))
                experiment.isSynchronous = seed == 0
                _ = try await store.create(experiment)
                try await ContractSimulation(
                    store: store, experiment: experiment, clock: test.clock, seed: UInt64(seed), troubles: true
                ).run(workers: 4)
            }
        },
    ]

    static let managementCases: [Case] = [
        Case("a paused experiment hands out nothing, and what runs may finish") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            let running = try await store.take()
            try await store.pause("e")
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
            try await store.finish(running, score: 1)
            try expectEqual(try await store.record(of: "e").state, .paused)
            try await store.resume("e")
            _ = try await store.take()
        },
        Case("a stopped experiment is over for good") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            let running = try await store.take()
            try await store.stop("e", because: "enough")
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.reason, "enough")
            try expectEqual(record.counts[.running], 0)
            try await expectError(.leaseLost) { try await store.finish(running, score: 1) }
            try await expectError(.wrongState) { try await store.resume("e") }
            try await expectError(.wrongState) { try await store.pause("e") }
        },
        Case("an experiment is removed with all that is known of it, but not while it is trained") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            _ = try await store.create(StoreUnderTest.experiment("other"))
            let running = try await store.take()
            try await expectError(.wrongState, mentions: "pbt stop e") { try await store.remove("e") }
            try await store.release(running.lease, because: "")
            try await store.remove("e")
            try await expectError(.noSuchExperiment) { _ = try await store.record(of: "e") }
            try expectEqual(try await store.events(of: nil, after: nil, limit: 99).map(\.experiment), ["other"])
            _ = try await store.create(StoreUnderTest.experiment())
            try expectEqual(try await store.intervals(of: "e").count, 4)
        },
        Case("hyperparameters queued by hand go to founders that nobody has begun") { test in
            let store = try await test.open()
            let experiment = StoreUnderTest.experiment(population: 2)
            _ = try await store.create(experiment)
            let pushed = try await store.push(["x": 1], to: "e")
            try expectEqual(pushed.hyperparameters["x"], 1.0)
            try expectEqual(pushed.hyperparameters["n"], experiment.founder(pushed.id.member)["n"])
            try expectEqual(try await store.interval(pushed.id, of: "e").hyperparameters, pushed.hyperparameters)
            let other = try await store.push(["n": 3], to: "e")
            try expect(other.id != pushed.id)
            try await expectError(.wrongState, mentions: "initial") { _ = try await store.push(["n": 3], to: "e") }
            try await expectError(.badValue, mentions: "between 0.0 and 1.0") {
                _ = try await store.push(["x": 2], to: "e")
            }
            try await expectError(.badValue, mentions: "did you mean \"name\"?") {
                _ = try await store.push(["nane": "a"], to: "e")
            }
        },
        Case("a manual search trains what is queued, and waits for more") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(kind: .manual, population: 0, intervals: 2)
            experiment.exploit = .none
            experiment.explore = .none
            _ = try await store.create(experiment)
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
            for x in [0.5, 0.25] { _ = try await store.push(["x": .number(x), "n": 1, "name": "a"], to: "e") }
            for _ in 0..<4 { try await store.finish(try await store.take(), score: 1) }
            try expectEqual(try await store.openIntervals(of: "e"), 0)
            try expectEqual(try await store.record(of: "e").state, .running)
            try expectEqual(try await store.intervals(of: "e").map { $0.hyperparameters["x"] }, [0.5, 0.5, 0.25, 0.25])
        },
    ]

    static let eventCases: [Case] = [
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
