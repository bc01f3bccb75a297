// SPDX-License-Identifier: Apache-2.0

package import PBT

extension StoreContract {
    private static func certain(
        _ name: String = "e", population: Int = 5, intervals: Int = 3, exploit: ExploitRule = .truncation(0.2),
        retries: Int = 1
    ) -> Experiment {
        var experiment = StoreUnderTest.experiment(
            name, population: population, intervals: intervals, exploit: exploit, retries: retries)
        experiment.decides = .certain
        return experiment
    }

    private static let rules: [ExploitRule] = [
        .truncation(), .binaryTournament, .tTest(window: 3, significance: 0.3), .best,
        .truncation(bottom: 0.4, top: 0.1), .multiFrequency(every: [1, 2]),
        .multiFrequency([.init(every: 2, explore: .resample), .init(every: 1)]),
        .truncation(0.3).taking(.weights), .binaryTournament.taking(.hyperparameters),
        .tTest(window: 3, significance: 0.3).taking(.hyperparameters), .itself,
    ]

    static let certainCases: [Case] = [
        Case("a decision is made when the missing scores cannot change it, among the scores of one index") { test in
            let store = try await test.open()
            let other = try await test.open()
            _ = try await store.create(certain())
            var founders: [Assignment] = []
            for _ in 0..<5 { founders.append(try await store.take()) }
            // Of 5 one is replaced: the best of 2 stays, whatever the other 3 are worth.
            try expectEqual(try await store.finish(founders[0], score: 1).decisions, [])
            try expectEqual(
                try await other.finish(founders[1], score: 2).decisions.map(\.interval), [founders[1].interval.id])
            try expectEqual(try await store.record(of: "e").undecided, 1)
            try expectEqual(try await store.take().interval.id, IntervalID(member: 1, index: 1))
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(60)), .nothingNow)
            // Member 1's second score does not count at index 0.
            try expectEqual(
                try await store.finish(founders[2], score: 3).decisions.map(\.interval), [founders[2].interval.id])
            // A diverged one has reported and ranks last, so member 0 stays.
            try expectEqual(
                try await other.finish(founders[3], score: .nan).decisions.map(\.interval), [founders[0].interval.id])
            try expectEqual(try await store.record(of: "e").generation, 0)
            let last = try await store.finish(founders[4], score: 2.5)
            try expectEqual(last.decisions.map(\.interval.member), [3, 4])
            try expectEqual(last.decisions.map(\.outcome), [.exploits(founders[2].interval.id), .continues])
            try expectEqual(last.record.undecided, 0)
            try expectEqual(last.record.generation, 1)
            let next = try await store.interval(IntervalID(member: 3, index: 1), of: "e")
            try expectEqual(next.decided, Interval.Decided(after: 5, order: 3, members: 5))
            try await expectAudited(store)
        },
        Case("a donor's checkpoint is kept while its generation is open, and given at the generation's depth") { test in
            let store = try await test.open()
            _ = try await store.create(certain())
            var founders: [Assignment] = []
            for _ in 0..<5 { founders.append(try await store.take()) }
            for (member, score) in [(0, 9.0), (1, 8), (2, 7), (3, 1)] {
                try await store.finish(founders[member], score: score)
            }
            // The best continues to where it needs its first checkpoint no longer.
            for _ in 0..<3 {
                let assignment = try await store.take()
                try await store.finish(assignment, score: 10 - Double(assignment.interval.id.member))
            }
            let donor = IntervalID(member: 0, index: 0)
            try expectEqual(try await store.interval(donor, of: "e").checkpointState, .kept)
            try expectEqual(try await store.interval(donor.next, of: "e").state, .done)
            let last = try await store.finish(founders[4], score: 5)
            try expectEqual(last.decisions.map(\.outcome), [.exploits(donor), .continues])
            let copied = try await store.interval(IntervalID(member: 3, index: 1), of: "e")
            try expectEqual(copied.depth, 2)
            let claimed = try await store.take()
            try expectEqual(claimed.interval.id, copied.id)
            try expectEqual(claimed.parentCheckpoint, "m0000-i0000-a1")
            try await store.finish(claimed, score: 1)
            try expectEqual(try await store.interval(donor, of: "e").checkpointState, .garbage)
        },
        Case("decisions that wait for certainty give the tree of a synchronous search, in whatever order") { test in
            for (number, rule) in rules.enumerated() {
                var trees: [[Interval]] = []
                for order in 0..<5 {
                    let store = try await test.open()
                    var experiment = certain("e\(number).\(order)", population: 7, intervals: 6, exploit: rule)
                    experiment.isSynchronous = order == 0
                    _ = try await store.create(experiment)
                    try await ContractSimulation(
                        store: store, other: test.open(), experiment: experiment, clock: test.clock,
                        seed: UInt64(order)
                    ).run(workers: [3, 1, 2, 4, 8][order])
                    trees.append(try await store.intervals(of: experiment.name).map(\.inTree))
                }
                for tree in trees.dropFirst() { try expectEqual(tree, trees[0], "\(rule)") }
                try expect(trees[0].contains { rule.isCopying ? $0.isExploit : !$0.changes.isEmpty })
            }
        },
        Case("certain decisions in trouble are derived again, through two handles, and nothing needed is garbage") {
            test in
            for (seed, rule) in (rules + rules).enumerated() {
                let store = try await test.open()
                var experiment = certain("e\(seed)", population: 7, intervals: 8, exploit: rule)
                if seed >= rules.count { experiment.patience = .zero }
                _ = try await store.create(experiment)
                try await ContractSimulation(
                    store: store, other: test.open(), experiment: experiment, clock: test.clock, seed: UInt64(seed),
                    troubles: true
                ).run(workers: 5)
            }
        },
        Case("members return to elites, whose checkpoints are kept, to the same tree in whatever order") { test in
            for (number, rule) in rules.enumerated() {
                var trees: [[Interval]] = []
                for order in 0..<6 {
                    let store = try await test.open()
                    var experiment = certain("e\(number).\(order)", population: 7, intervals: 8, exploit: rule)
                    experiment.elites = Elites(count: 1 + number % 3, absolute: 0.3)
                    _ = try await store.create(experiment)
                    var simulation = ContractSimulation(
                        store: store, other: try await test.open(), experiment: experiment, clock: test.clock,
                        seed: UInt64(order), troubles: order == 5)
                    simulation.lapses = [3, 6]
                    try await simulation.run(workers: [1, 2, 3, 4, 8, 5][order])
                    let intervals = try await store.intervals(of: experiment.name)
                    if order < 5 { trees.append(intervals.map(\.inTree)) }
                    try expect(intervals.contains { ($0.parent?.index ?? .max) < $0.id.index - 1 })
                }
                for tree in trees.dropFirst() { try expectEqual(tree, trees[0], "\(rule)") }
            }
        },
        Case("members that are late are not waited for beyond the deadline") { test in
            let store = try await test.open()
            var experiment = certain(population: 2, intervals: 2)
            experiment.deadline = .seconds(60)
            _ = try await store.create(experiment)
            let quick = try await store.take(for: .seconds(1000))
            let slow = try await store.take(for: .seconds(1000))
            try await store.finish(quick, score: 1)
            test.clock.advance(by: .seconds(59))
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(60)), .nothingNow)
            test.clock.advance(by: .seconds(2))
            try expectEqual(try await store.take().interval.id.index, 1)
            try expectEqual(try await store.interval(slow.interval.id, of: "e").state, .failed)
            try await expectError(.leaseLost) { try await store.finish(slow, score: 9) }
            try await expectAudited(store)
        },
        Case("after its patience a worker without work gets a decision among the known scores, recorded as such") {
            test in
            let store = try await test.open()
            var experiment = certain(population: 4, intervals: 2, exploit: .truncation(0.25))
            experiment.patience = .seconds(30)
            _ = try await store.create(experiment)
            var founders: [Assignment] = []
            for _ in 0..<4 { founders.append(try await store.take(for: .seconds(1000))) }
            for (member, score) in [(0, 1.0), (1, 2), (2, 3)] { try await store.finish(founders[member], score: score) }
            for _ in 0..<2 { _ = try await store.take(for: .seconds(1000)) }
            test.clock.advance(by: .seconds(29))
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(60)), .nothingNow)
            test.clock.advance(by: .seconds(2))
            let hasty = try await store.take(for: .seconds(1000))
            try expectEqual(hasty.interval.id, IntervalID(member: 0, index: 1))
            try expectEqual(hasty.interval.parent, IntervalID(member: 2, index: 0))
            try expectEqual(hasty.interval.decided?.members, 3)
            let audit = try Audit(experiment: experiment, intervals: try await store.intervals(of: "e"))
            try expectEqual(audit.mismatches, [])
            try expectEqual(audit.finding(leadingTo: hasty.interval.id)?.missing, 1)
            // The late one is judged as usual.
            try expectEqual(
                try await store.finish(founders[3], score: 0).decisions.map(\.outcome),
                [.exploits(IntervalID(member: 2, index: 0))])
            try await expectAudited(store)
        },
        Case("a definition is stored with its timing, and one that names none keeps the stored one") { test in
            let store = try await test.open()
            var experiment = certain()
            experiment.decides = .early
            _ = try await store.create(experiment)
            let unnamed = Experiment(
                "e", objective: experiment.objective, population: 5, intervals: 3, seed: experiment.seed,
                space: experiment.space, exploit: experiment.exploit, explore: experiment.explore, retries: 2)
            try expectEqual(unnamed.decides, .certain)
            try await store.edit(unnamed)
            try expectEqual(try await test.open().record(of: "e").experiment.decides, .early)
            try expectEqual(try await store.record(of: "e").experiment.retries, 2)
            _ = try await store.revise(unnamed)
            try expectEqual(try await store.record(of: "e").experiment.decides, .early)
            var named = unnamed
            named.decides = .certain
            _ = try await store.revise(named)
            try expectEqual(try await test.open().record(of: "e").experiment.decides, .certain)
        },
        Case("members that an edit adds do not hold the others up") { test in
            let store = try await test.open()
            var experiment = certain(population: 3, intervals: 6, exploit: .truncation(0.34))
            _ = try await store.create(experiment)
            for score in 0..<9 { try await store.finish(try await store.take(), score: Double(score)) }
            experiment.population = 4
            _ = try await store.revise(experiment)
            let held = try await store.take()
            try expectEqual(held.interval.id, IntervalID(member: 3, index: 0))
            for score in 0..<9 { try await store.finish(try await store.take(), score: Double(score)) }
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(60)), .nothingNow)
            try await store.finish(held, score: 1)
            while case .assignment(let next) = try await store.claim(from: "e", by: "w", for: .seconds(60)) {
                try await store.finish(next, score: 2)
            }
            try expectEqual(try await store.record(of: "e").state, .finished)
            try await expectAudited(store)
        },
        Case("a model learns from the rows, and an audit derives what it chose") { test in
            for (seed, explore) in [(3, ExploreRule.pb2()), (4, .pb2Mix()), (5, .pb2(PB2(rows: 12)))] {
                var experiment = certain("e\(seed)", population: 6, intervals: 5, exploit: .truncation(0.34))
                experiment.explore = explore
                experiment.patience = seed == 5 ? .zero : nil
                let (store, other) = (try await test.open(), try await test.open())
                _ = try await store.create(experiment)
                try await ContractSimulation(
                    store: store, other: other, experiment: experiment, clock: test.clock, seed: UInt64(seed),
                    troubles: true
                ).run(workers: 3)
                let changes = try await store.intervals(of: experiment.name).flatMap(\.changes)
                if experiment.patience == nil {
                    try expect(changes.contains { $0.name == "x" && $0.operation == "pb2" }, "\(changes)")
                }
                try expect(changes.allSatisfy { $0.name != "name" || $0.operation != "pb2" }, "\(changes)")
            }
        },
    ]
}

extension Interval {
    /// The interval without what depends on the order of finishing.
    package var inTree: Interval {
        Interval(
            id: id, parent: parent, hyperparameters: hyperparameters, changes: changes, depth: depth,
            created: Timestamp(milliseconds: 0))
    }
}

extension ExploitRule {
    /// True if members take over weights.
    fileprivate var isCopying: Bool {
        hasDonors && takes != .hyperparameters
    }
}
