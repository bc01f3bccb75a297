// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    /// Finished attempts and the decisions that follow.
    static let finishCases: [Case] = [
        Case("finishing records the score and creates the next interval, to the end") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1, intervals: 2))
            let finished = try await store.finish(try await store.take(), score: 0.25)
            try expectEqual(finished.interval.state, .done)
            try expectEqual(finished.interval.score, 0.25)
            try expectEqual(finished.interval.metrics, ["score": 0.25])
            try expectEqual(finished.decisions.map(\.outcome), [.continues])
            try expectEqual(try await store.record(of: "e").bestScore, 0.25)
            let last = try await store.finish(try await store.take(), score: 0.125)
            try expectEqual(last.decisions.map(\.outcome), [.ends])
            try expectEqual(last.record.state, .finished)
            try expectEqual(last.record.best, IntervalID(member: 0, index: 0))
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .over(.finished))
            let record = try await store.record(of: "e")
            try expectEqual(record.counts[.done], 2)
            try expectEqual(record.counts[.waiting], 0)
            try expectEqual(record.intervalsFinished, record.intervalsPlanned)
        },
        Case("a score without a checkpoint that could be continued is refused, and nothing is recorded") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            let assignment = try await store.take()
            try await expectError(.badValue, mentions: "no checkpoint") {
                _ = try await store.finish(assignment.lease, .trained(score: 1, metrics: [:], checkpoint: nil))
            }
            try expectEqual(try await store.interval(assignment.interval.id, of: "e").state, .running)
            try await store.finish(assignment, score: 1)
        },
        Case("a finish that is repeated answers as it stands, and records nothing twice") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1, intervals: 2, retries: 1))
            let failing = try await store.take()
            for _ in 0..<2 {
                let finished = try await store.finish(failing.lease, .failed(reason: "oops"))
                try expectEqual(finished.interval.state, .waiting)
                try expectEqual(finished.interval.failures, 1)
            }
            let assignment = try await store.take()
            try await expectError(.leaseLost) { _ = try await store.finish(failing.lease, .failed(reason: "oops")) }
            try await store.finish(assignment, score: 1)
            let events = try await store.lastEvent()
            let again = try await test.open().finish(assignment, score: 5)
            try expectEqual(again.interval, try await store.interval(assignment.interval.id, of: "e"))
            try expectEqual(again.interval.score, 1)
            try expectEqual(again.decisions, [])
            try expectEqual(again.record.finishedIntervals, 1)
            try expectEqual(try await store.lastEvent(), events)
            // An interval that was lost or released cannot be finished by its old lease.
            let released = try await store.take()
            try await store.release(released.lease, because: "test")
            try await expectError(.leaseLost) { try await store.finish(released, score: 1) }
        },
        Case("only the attempt's own checkpoint name is accepted; any other is refused, and nothing is recorded") {
            test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            let assignment = try await store.take()
            let before = try await store.interval(assignment.interval.id, of: "e")
            let names = [
                "", "/", ".", "..", "../../../victim", "/etc", "\u{0}", "m0000-i0000-a1\u{0}", "m0000-i0000-a1/",
                "m0000-i0000-a2", "m0001-i0000-a1", "m9999-i0000-a1", "m000-i0000-a1", "m0000-i0000-a01",
                "m0000-i0000-a+1", "M0000-i0000-a1", "m0000-i0000-a1\n", "m٠٠٠٠-i0000-a1",
                String(repeating: "a", count: 5000),
            ]
            for name in names {
                for score in [1, Double.nan] {
                    try await expectError(.badValue, mentions: "m0000-i0000-a1") {
                        _ = try await store.finish(
                            assignment.lease, .trained(score: score, metrics: [:], checkpoint: name))
                    }
                }
            }
            try expectEqual(try await store.interval(assignment.interval.id, of: "e"), before)
            try expectEqual(try await store.garbage(of: "e"), [])
            try await store.finish(assignment, score: 1)
        },
        Case("the worst takes over the best, and is not ranked before its new weights have a score") { test in
            let store = try await test.open()
            let experiment = StoreUnderTest.experiment()
            _ = try await store.create(experiment)
            let all = [
                try await store.take(), try await store.take(), try await store.take(), try await store.take(),
            ]
            for (assignment, score) in zip(all, [4.0, 3, 2]) { try await store.finish(assignment, score: score) }
            let finished = try await store.finish(all[3], score: 1)
            try expectEqual(finished.decisions.first?.outcome, .exploits(IntervalID(member: 0, index: 0)))
            let child = try await store.interval(IntervalID(member: 3, index: 1), of: "e")
            try expectEqual(child.parent, IntervalID(member: 0, index: 0))
            try expectEqual(child.depth, 2)
            try expectEqual(child.changes.map(\.name), ["x", "n", "name"])
            // Member 3 has no score of its own until its child is done, and the bottom of four is one: nobody else is
            // replaced meanwhile.
            let next = try await store.take()
            try expectEqual(next.interval.id, IntervalID(member: 0, index: 1))
            try await store.finish(next, score: 5)
            _ = try await store.take()
            let third = try await store.take()
            try expectEqual(third.interval.id, IntervalID(member: 2, index: 1))
            try expectEqual(try await store.finish(third, score: 2).decisions.map(\.outcome), [.continues])
        },
        Case("nobody is replaced before it is known who is at the bottom of the whole population") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 8, exploit: .truncation(0.25)))
            var names: [String] = []
            for score in [1.0, 2, 3, 4, 5, 6, 7, 8] {
                names += try await store.finish(try await store.take(), score: score).decisions.map(\.name)
            }
            // Each was the best so far, and earlier decisions are not revised.
            try expectEqual(names, Array(repeating: "continues", count: 8))
            let second = try await (0..<8).asyncMap { _ in try await store.take() }
            names = []
            for (assignment, score) in zip(second, [9.0, 10, 11, 12, 13, 14, 2.5, 2]) {
                names += try await store.finish(assignment, score: score).decisions.map(\.name)
            }
            try expectEqual(names, Array(repeating: "continues", count: 6) + ["exploits", "exploits"])
        },
        Case("a non-finite score is diverged, replaced immediately, and never a donor") { test in
            for bad in [Double.nan, .infinity, -.infinity] {
                let store = try await test.open()
                let name = "e\(bad)"
                _ = try await store.create(StoreUnderTest.experiment(name))
                let all = [try await store.take(name), try await store.take(name)]
                try await store.finish(all[0], score: 1)
                let finished = try await store.finish(all[1], score: bad)
                try expectEqual(finished.interval.state, .diverged)
                try expectEqual(finished.interval.score, nil)
                try expectEqual(finished.interval.metrics["score"], .null)
                try expectEqual(finished.decisions.first?.outcome, .exploits(all[0].interval.id))
                try expectEqual(try await store.record(of: name).best, all[0].interval.id)
                try expectEqual(try await store.interval(all[1].interval.id, of: name), finished.interval)
            }
        },
        Case("a diverged member without a donor restarts") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            let finished = try await store.finish(try await store.take(), score: .nan)
            try expectEqual(finished.decisions.first?.outcome, .restarts)
            let next = try await store.interval(IntervalID(member: 0, index: 1), of: "e")
            try expectEqual(next.parent, nil)
            try expectEqual(next.depth, 1)
            try expect(next.hyperparameters != finished.interval.hyperparameters)
        },
        Case("a failed attempt is retried until the retries are spent, then the member is replaced") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 2, retries: 2))
            let good = try await store.take()
            try await store.finish(good, score: 1)
            for attempt in 1...3 {
                let assignment = try await store.take()
                try expectEqual(assignment.interval.id, IntervalID(member: 1, index: 0))
                try expectEqual(assignment.lease.attempt, attempt)
                let finished = try await store.finish(assignment.lease, .failed(reason: "exit 1"))
                try expectEqual(finished.interval.state, attempt == 3 ? .failed : .waiting)
                try expectEqual(finished.interval.reason, "exit 1")
                try expectEqual(finished.decisions.map(\.outcome), attempt == 3 ? [.exploits(good.interval.id)] : [])
            }
        },
        Case("a trainer that always fails ends the experiment, and resume continues it") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 3, retries: 0))
            for _ in 0..<3 {
                _ = try await store.finish(try await store.take().lease, .failed(reason: "exit 127"))
            }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .failed)
            try expect(record.reason?.contains("exit 127") ?? false, record.reason ?? "no reason")
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .over(.failed))
            try await store.resume("e")
            _ = try await store.take()
        },
        Case("the decisions about a synchronous generation are made together, when it is complete") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(intervals: 2)
            experiment.isSynchronous = true
            _ = try await store.create(experiment)
            var all: [Assignment] = []
            for _ in 0..<4 { all.append(try await store.take()) }
            for (assignment, score) in zip(all, [1.0, 2, .nan]) {
                try expectEqual(try await store.finish(assignment, score: score).decisions, [])
                try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
            }
            let decisions = try await store.finish(all[3], score: 4).decisions
            try expectEqual(decisions.map(\.interval.member), [0, 1, 2, 3])
            try expectEqual(decisions.map(\.name), ["continues", "continues", "exploits", "continues"])
            try expectEqual(try await store.record(of: "e").generation, 1)
        },
        Case("a synchronous generation does not wait beyond its deadline") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 2, intervals: 2)
            experiment.isSynchronous = true
            experiment.deadline = .seconds(60)
            _ = try await store.create(experiment)
            let quick = try await store.take(for: .seconds(1000))
            let slow = try await store.take(for: .seconds(1000))
            try await store.finish(quick, score: 1)
            test.clock.advance(by: .seconds(61))
            let next = try await store.take()
            try expectEqual(next.interval.id.index, 1)
            try expectEqual(try await store.interval(slow.interval.id, of: "e").state, .failed)
            try await expectError(.leaseLost) { try await store.finish(slow, score: 9) }
        },
        Case("the same synchronous search gives the same tree in whatever order its intervals finish") { test in
            var trees: [[IntervalID: Interval]] = []
            for order in [0, 1, 2] {
                let store = try await test.open()
                var experiment = StoreUnderTest.experiment("e\(order)", population: 6, intervals: 5, seed: 3)
                experiment.isSynchronous = true
                _ = try await store.create(experiment)
                try await ContractSimulation(
                    store: store, experiment: experiment, clock: test.clock, seed: UInt64(order)
                )
                .run(workers: order * 3 + 1)
                let intervals = try await store.intervals(of: experiment.name)
                trees.append(
                    Dictionary(
                        uniqueKeysWithValues: intervals.map { interval in
                            var bare = Interval(
                                id: interval.id, parent: interval.parent, hyperparameters: interval.hyperparameters,
                                changes: interval.changes, depth: interval.depth, created: test.clock.now)
                            bare.score = interval.score
                            bare.created = Timestamp(milliseconds: 0)
                            return (interval.id, bare)
                        }))
            }
            try expectEqual(trees[0].count, 30)
            try expectEqual(trees[1], trees[0])
            try expectEqual(trees[2], trees[0])
        },
        Case("a target ends the experiment and takes the leases back") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment()
            experiment.stop.target = 0.5
            _ = try await store.create(experiment)
            let other = try await store.take()
            let winner = try await store.take()
            let record = try await store.finish(winner, score: 0.5).record
            try expectEqual(record.state, .finished)
            try expect(record.reason?.contains("target 0.5") ?? false)
            try await expectError(.leaseLost, mentions: "ended") { try await store.finish(other, score: 9) }
        },
        Case("an experiment ends when its time limit is reached") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment()
            experiment.stop.after = .seconds(100)
            _ = try await store.create(experiment)
            _ = try await store.take()
            test.clock.advance(by: .seconds(100))
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .over(.finished))
        },
        Case("members of a random search keep their hyperparameters; one that diverges ends") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(kind: .randomSearch, population: 2))
            let first = try await store.take()
            try expectEqual(
                try await store.finish(try await store.take(), score: .nan).decisions.map(\.outcome), [.ends])
            try await store.finish(first, score: 1)
            for _ in 0..<2 {
                let next = try await store.take()
                try expectEqual(next.interval.hyperparameters, first.interval.hyperparameters)
                try await store.finish(next, score: 1)
            }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.intervalsPlanned, 4)
            try expectEqual(record.intervalsFinished, 4)
        },
        Case("a replay trains by its schedule") { test in
            let store = try await test.open()
            let schedule: [Hyperparameters] = [["x": 0.5], ["x": 0.25], ["x": 0.125]]
            let replay = StoreUnderTest.experiment().replay(named: "r", schedule: schedule, seeds: 2)
            _ = try await store.create(replay)
            try expectEqual(try await test.open().record(of: "r").experiment, replay)
            for index in 0..<3 {
                for _ in 0..<2 {
                    let assignment = try await store.take("r")
                    try expectEqual(assignment.interval.hyperparameters, schedule[index])
                    try await store.finish(assignment, score: 1)
                }
            }
            try expectEqual(try await store.record(of: "r").state, .finished)
        },
        Case("a strategy written in Swift decides") { test in
            struct CopyMember0: ExploitStrategy {
                func donor(
                    for member: Population.Member, in population: Population, using random: inout RandomStream
                ) -> Int? { 0 }
            }
            struct KeepOwn: ExploreStrategy {
                func explore(
                    own: Hyperparameters, donor: Population.Member, in population: Population, space: SearchSpace,
                    using random: inout RandomStream
                ) -> Hyperparameters { own }
            }
            let store = try await test.open(
                Strategies(exploit: ["first": CopyMember0()], explore: ["own": KeepOwn()]))
            _ = try await store.create(StoreUnderTest.experiment(exploit: .custom("first"), explore: .custom("own")))
            let first = try await store.take()
            let second = try await store.take()
            try expectEqual(try await store.finish(first, score: 1).decisions.map(\.outcome), [.continues])
            let decision = try await store.finish(second, score: 9).decisions.first
            try expectEqual(decision?.outcome, .exploits(first.interval.id))
            try expectEqual(decision?.next?.hyperparameters, second.interval.hyperparameters)
        },
    ]
}
