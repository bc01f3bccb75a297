// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    private static func late(
        population: Int = 4, intervals: Int = 3, exploit: ExploitRule = .truncation(0.25), retries: Int = 1
    ) -> Experiment {
        var experiment = StoreUnderTest.experiment(
            population: population, intervals: intervals, exploit: exploit, retries: retries)
        experiment.decides = .late
        return experiment
    }

    static let lateCases: [Case] = [
        Case("a late decision is made at a claim, with all scores until then") { test in
            let store = try await test.open()
            _ = try await store.create(late())
            var founders: [Assignment] = []
            for _ in 0..<4 { founders.append(try await store.take()) }
            // The worst finishes first: an early decision would continue it, since no other has a score yet.
            for (founder, score) in zip(founders, [1.0, 2, 3, 4] as [Double]) {
                let finished = try await store.finish(founder, score: score)
                try expectEqual(finished.decisions, [])
                try expectEqual(finished.interval.isUndecided, true)
                try expectEqual(finished.garbage, [])
            }
            try expectEqual(try await store.record(of: "e").undecided, 4)
            try expectEqual(try await store.openIntervals(of: "e"), 4)
            let next = try await store.take()
            try expectEqual(next.interval.id, IntervalID(member: 0, index: 1))
            try expectEqual(next.interval.parent, IntervalID(member: 3, index: 0))
            try expectEqual(next.parentCheckpoint, "m0003-i0000-a1")
            try expectEqual(next.interval.decided, Interval.Decided(after: 4, order: 0, members: 4))
            try expectEqual(next.garbage, ["m0000-i0000-a1"])
            try expectEqual(try await store.garbage(of: "e"), ["m0000-i0000-a1"])
            try expectEqual(try await store.interval(founders[0].interval.id, of: "e").isUndecided, false)
            let other = try await test.open()
            try expectEqual(try await other.take().interval.id, IntervalID(member: 1, index: 1))
            try expectEqual(try await other.record(of: "e").undecided, 2)
            try expectEqual(
                try await store.interval(IntervalID(member: 1, index: 1), of: "e").decided,
                Interval.Decided(after: 4, order: 1, members: 4))
        },
        Case("what waits comes before a late decision, and of the undecided the least trained that finished first") {
            test in
            let store = try await test.open()
            _ = try await store.create(late(population: 3, intervals: 5, exploit: .none))
            let (a, b, c) = (try await store.take(), try await store.take(), try await store.take())
            try await store.finish(b, score: 1)
            try await store.finish(try await store.take(), score: 1)
            try await store.finish(c, score: 1)
            try await store.release(a.lease, because: "test")
            let order = [
                try await store.take(), try await store.take(), try await store.take(),
            ].map(\.interval.id)
            try expectEqual(
                order,
                [
                    IntervalID(member: 0, index: 0), IntervalID(member: 2, index: 1), IntervalID(member: 1, index: 2),
                ])
        },
        Case("with late decisions a member ends when its last interval finishes, and the experiment with the last") {
            test in
            let store = try await test.open()
            _ = try await store.create(late(population: 2, intervals: 2, exploit: .none))
            for _ in 0..<3 { try await store.finish(try await store.take(), score: 1) }
            try expectEqual(try await store.record(of: "e").membersEnded, 1)
            let finished = try await store.finish(try await store.take(), score: 1)
            try expectEqual(finished.record.state, .finished)
            try expectEqual(finished.record.undecided, 0)
            try expectEqual(finished.decisions.map(\.outcome), [.ends])
            // One that can neither continue nor be replaced ends immediately, too.
            var random = StoreUnderTest.experiment("r", kind: .randomSearch, population: 1, exploit: .none)
            random.explore = .none
            random.decides = .late
            _ = try await store.create(random)
            let diverged = try await store.finish(try await store.take("r"), score: .nan)
            try expectEqual(diverged.record.membersEnded, 1)
            try expectEqual(diverged.record.state, .failed)
        },
        Case("a failed experiment with undecided intervals can be resumed") { test in
            let store = try await test.open()
            _ = try await store.create(late(population: 3, retries: 0))
            try await store.finish(try await store.take(), score: 1)
            for _ in 0..<3 { _ = try await store.finish(try await store.take().lease, .failed(reason: "exit 1")) }
            try expectEqual(try await store.record(of: "e").state, .failed)
            try await store.resume("e")
            try expectEqual(try await store.take().interval.id, IntervalID(member: 1, index: 1))
        },
        Case("a paused experiment decides nothing") { test in
            let store = try await test.open()
            _ = try await store.create(late(population: 1))
            try await store.finish(try await store.take(), score: 1)
            try await store.pause("e")
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
            try expectEqual(try await store.record(of: "e").undecided, 1)
        },
        Case("late decisions through two handles are derived again from the rows, and nothing needed is garbage") {
            test in
            for (seed, rule) in [
                ExploitRule.truncation(), .binaryTournament, .tTest(window: 3, significance: 0.3), .best, .none,
            ].enumerated() {
                let store = try await test.open()
                var experiment = StoreUnderTest.experiment(
                    "e\(seed)", population: 7, intervals: 12, exploit: rule, explore: .perturb(resampling: 0.2))
                experiment.decides = .late
                _ = try await store.create(experiment)
                try await ContractSimulation(
                    store: store, other: test.open(), experiment: experiment, clock: test.clock, seed: UInt64(seed),
                    troubles: true
                ).run(workers: 4)
            }
        },
    ]

    static let openCases: [Case] = [
        Case("an open random search samples founders without end") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(
                kind: .randomSearch, population: 0, intervals: 1, exploit: .none, explore: .none)
            experiment.isOpen = true
            _ = try await store.create(experiment)
            for member in 0..<6 {
                let assignment = try await store.take()
                try expectEqual(assignment.interval.id, IntervalID(member: member, index: 0))
                try expectEqual(assignment.interval.hyperparameters, experiment.founder(member))
                try await store.finish(assignment, score: Double(member))
            }
            let queued = try await store.push(["x": 0.5], to: "e")
            try expectEqual(try await store.take().interval.id, queued.id)
            let record = try await test.open().record(of: "e")
            try expectEqual(record.state, .running)
            try expectEqual(record.experiment.population, 7)
            let intervals = try await store.intervals(of: "e")
            try expectEqual(try Audit(experiment: record.experiment, intervals: intervals).mismatches, [])
            // Its file may be given again, whatever came since.
            try await store.edit(experiment)
            try expectEqual(try await store.record(of: "e").experiment.population, 7)
        },
        Case("members may be queued into an open population at any time, and it does not end by itself") { test in
            for decides in Experiment.Decides.allCases {
                let store = try await test.open()
                let other = try await test.open()
                let name = "e.\(decides)"
                var experiment = StoreUnderTest.experiment(name, population: 2, intervals: 3)
                experiment.isOpen = true
                experiment.decides = decides
                _ = try await store.create(experiment)
                var random = Xoshiro256(seed: 4)
                for step in 0..<60 {
                    if step % 6 == 5 {
                        let pushed = try await store.push(["x": .number(0.01 * Double(step))], to: name)
                        try expectEqual(pushed.id, IntervalID(member: 2 + step / 6, index: 0))
                    }
                    let handle = step % 2 == 0 ? store : other
                    let claim = try await handle.claim(from: name, by: "w", for: .seconds(60))
                    guard case .assignment(let assignment) = claim else {
                        try expectEqual(claim, .nothingNow)
                        continue
                    }
                    try await handle.finish(assignment, score: Double(random.next() % 100))
                }
                let record = try await store.record(of: name)
                try expectEqual(record.experiment.population, 12)
                try expectEqual(record.state, .running)
                try expect(record.membersEnded > 5)
                let audit = try Audit(
                    experiment: record.experiment, intervals: try await store.intervals(of: name))
                try expectEqual(audit.mismatches, [])
                try expect(audit.findings.contains { $0.recorded?.isExploit == true })
            }
        },
        Case("an open search without a space takes whatever is queued") { test in
            let store = try await test.open()
            let experiment = Experiment(
                "e", kind: .manual, objective: .maximize("score"), population: 0, intervals: 1, space: [:],
                exploit: .none, explore: .none, isOpen: true)
            _ = try await store.create(experiment)
            let given: Hyperparameters = ["a name/with anything": [1, ["x": nil]]]
            _ = try await store.push(given, to: "e")
            try expectEqual(try await test.open().take().interval.hyperparameters, given)
        },
    ]
}
