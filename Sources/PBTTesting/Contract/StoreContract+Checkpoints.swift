// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    /// Checkpoints: kept, pinned, and garbage.
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
        Case("of equal scores the best has more training, then finished later, and its checkpoint is kept") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 1, intervals: 5)
            experiment.keep.best = 2
            _ = try await store.create(experiment)
            for score in [5.0, 5, 5, 1, 2] { try await store.finish(try await store.take(), score: score) }
            try expectEqual(try await store.record(of: "e").best, IntervalID(member: 0, index: 2))
            let states = try await store.intervals(of: "e").map(\.checkpointState)
            try expectEqual(states, [.garbage, .kept, .kept, .garbage, .kept])
            var several = StoreUnderTest.experiment("several", population: 3, intervals: 2)
            several.exploit = .none
            _ = try await store.create(several)
            let founders = [
                try await store.take("several"), try await store.take("several"), try await store.take("several"),
            ]
            try await store.finish(founders[0], score: 5)
            try await store.finish(founders[1], score: 5)
            try expectEqual(try await store.record(of: "several").best, founders[1].interval.id)
            let deep = try await store.take("several")
            try await store.finish(deep, score: 5)
            try await store.finish(founders[2], score: 5)
            try expectEqual(try await store.record(of: "several").best, deep.interval.id)
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
}
