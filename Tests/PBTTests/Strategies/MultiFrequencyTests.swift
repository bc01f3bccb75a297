// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// MF-PBT: sub-populations that exchange at different intervals.
@Suite("Sub-populations") struct MultiFrequencyTests {
    private static let space: SearchSpace = ["lr": .logUniform(1e-4...1), "width": .integer(1...64).immutable()]

    private func experiment(
        _ rule: ExploitRule, population: Int = 8, seed: UInt64 = 1, explore: ExploreRule = .perturb(by: [0.5, 2])
    ) -> Experiment {
        Experiment.sample(
            population: population, seed: seed, space: Self.space, exploit: rule.inBlocks, explore: explore,
            decides: .certain)
    }

    /// A sub-population each, 0...3 and 4...7.
    private let scores = [10.0, 7, 4, 1, 9, 8, 3, 2]

    @Test func `two of four members each exchange with known parents`() throws {
        let experiment = experiment(.multiFrequency(every: [1, 5]))
        let decisions = try experiment.decisions(index: 4, scores: scores)
        let parents = decisions.map { $0.donor?.member }
        #expect(parents == [nil, nil, 4, 0, nil, nil, 0, 4])
        #expect(decisions.allSatisfy { $0.donor.map { $0.index == 4 } ?? true })
        let founders = (0..<8).map { experiment.founder($0) }
        func next(_ member: Int) throws -> Interval { try #require(decisions[member].next) }
        // The worst explores what the best had.
        let worst = try next(3)
        #expect(worst.changes.map(\.name) == ["lr"] && ["×0.5", "×2.0", "×2"].contains(worst.changes[0].operation))
        #expect(worst.changes[0].old == founders[0]["lr"] && worst.hyperparameters["lr"] != founders[0]["lr"])
        // A migrant of the slower sub-population brings its hyperparameters, unchanged.
        let fast = try next(2)
        #expect(fast.hyperparameters == founders[4])
        #expect(fast.changes.map(\.operation) == ["migrated"])
        // One of the faster brings its weights, and what shapes them; the rest is that of the best inside.
        let slow = try next(6)
        #expect(slow.hyperparameters["lr"] == founders[4]["lr"])
        #expect(slow.hyperparameters["width"] == founders[0]["width"])
        #expect(slow.changes.map(\.operation) == ["migrated, best's"])
        #expect(slow.changes[0].old == founders[0]["lr"] && slow.changes[0].new == founders[4]["lr"])
    }

    @Test func `equally frequent sub-populations exchange weights only`() throws {
        let experiment = experiment(.multiFrequency(every: [2, 2]))
        let decisions = try experiment.decisions(index: 1, scores: scores)
        #expect(decisions.map { $0.donor?.member } == [nil, nil, 4, 0, nil, nil, 0, 4])
        for (member, migrant) in [(2, 4), (6, 0)] {
            let next = try #require(decisions[member].next)
            #expect(next.hyperparameters["lr"] == experiment.founder(member)["lr"])
            #expect(next.hyperparameters["width"] == experiment.founder(migrant)["width"])
            #expect(next.changes.map(\.operation) == ["migrated, own"])
        }
    }

    @Test func `between its rounds a sub-population continues`() throws {
        let experiment = experiment(.multiFrequency(every: [1, 5]))
        for index in 0..<9 where index != 4 {
            let decisions = try experiment.decisions(index: index, scores: scores)
            #expect(decisions.map { $0.donor?.member } == [nil, nil, 4, 0, nil, nil, nil, nil])
        }
    }

    @Test func `a migrant that does not rank better is left for the next place`() throws {
        // 16 members: places for migrants at ranks 4 and 5 inside, of which the first is better than all outside.
        let experiment = experiment(.multiFrequency(every: [1, 5]), population: 16)
        let outside = [40.0, 30, 20, 9, 8, 7, 6, 5]
        let one = try experiment.decisions(scores: [100, 99, 98, 97, 50, 10, 1, 0] + outside)
        #expect(one.prefix(8).map { $0.donor?.member } == [nil, nil, nil, nil, nil, 8, 0, 1])
        let both = try experiment.decisions(scores: [100, 99, 98, 97, 35, 10, 1, 0] + outside)
        #expect(both.prefix(8).map { $0.donor?.member } == [nil, nil, nil, nil, 8, 9, 0, 1])
        let none = try experiment.decisions(scores: [100, 99, 98, 97, 96, 95, 1, 0] + outside)
        #expect(none.prefix(8).map { $0.donor?.member } == [nil, nil, nil, nil, nil, nil, 0, 1])
    }

    @Test func `without migrants it is truncation of a quarter, paired by rank`() throws {
        for seed in 0..<20 {
            var random = RandomStream.trial(seed, name: "scores")
            // All outside rank below, so that nobody migrates into the first sub-population.
            let inside = (0..<12).map { _ in random.unit() + 2 }
            let scores = inside + (0..<12).map { _ in random.unit() }
            let order = (0..<12).sorted { inside[$0] > inside[$1] }
            var expected = [Int?](repeating: nil, count: 12)
            for place in 0..<3 { expected[order[9 + place]] = order[place] }
            let decisions = try experiment(.multiFrequency(every: [1, 1]), population: 24, seed: UInt64(seed))
                .decisions(scores: scores)
            #expect(decisions.prefix(12).map { $0.donor?.member } == expected)
        }
    }

    @Test(arguments: [
        (7, 2, [0..<4, 4..<7]), (8, 3, [0..<3, 3..<6, 6..<8]), (22, 3, [0..<8, 8..<15, 15..<22]),
        (2, 3, [0..<1, 1..<2, 2..<2]),
    ])
    func `members are divided by number, and the first sub-populations have one more`(
        members: Int, count: Int, expected: [Range<Int>]
    ) {
        let division = Division(members: members, count: count, isInterleaved: false)
        #expect((0..<count).map { Array(division.members(of: $0)) } == expected.map(Array.init))
        for member in 0..<members { #expect(expected[division.number(of: member)].contains(member)) }
        #expect(division.number(of: members + 5) == count - 1)
        let dealt = Division(members: members, count: count, isInterleaved: true)
        for member in 0..<(members + 5) { #expect(dealt.number(of: member) == member % count) }
        for one in [division, dealt] {
            for size in [0, 1, members / 2, members, members + 3] {
                let parts = (0..<count).map { Array(one.members(of: $0, below: size)) }
                #expect(parts.joined().sorted() == Array(0..<min(size, members)))
                #expect(parts.map(\.count) == (0..<count).map { one.size(of: $0, below: size) })
                for (number, part) in parts.enumerated() {
                    #expect(part == part.sorted() && part.allSatisfy { one.number(of: $0) == number })
                }
            }
        }
    }

    @Test func `members dealt in turn exchange as blocks of the same members do`() throws {
        let (turn, blocks) = ([0, 2, 4, 6, 1, 3, 5, 7], experiment(.multiFrequency(every: [1, 5])))
        var dealt = blocks
        dealt.exploit = .multiFrequency(every: [1, 5])
        // The members of a block get the scores of those that are dealt to the same sub-population.
        var scores = [Double](repeating: 0, count: 8)
        for (place, member) in turn.enumerated() { scores[member] = self.scores[place] }
        for index in [0, 4] {
            let expected = try blocks.decisions(index: index, scores: self.scores).map { $0.donor?.member }
            let found = try dealt.decisions(index: index, scores: scores).map { $0.donor?.member }
            #expect(turn.map { found[$0] } == expected.map { $0.map { turn[$0] } })
        }
    }

    @Test func `listed founders are dealt to all sub-populations`() throws {
        var experiment = Experiment.sample(
            population: 9, space: Self.space, exploit: .multiFrequency(every: [1, 2, 5]), decides: .certain)
        experiment.initial = [["lr": 0.1], ["lr": 0.2], ["lr": 0.3], ["lr": 0.4]]
        let division = try #require(experiment.division)
        let listed = (0..<9).filter { [0.1, 0.2, 0.3, 0.4].contains(experiment.founder($0)["lr"]?.double) }
        #expect(listed.map { division.number(of: $0) } == [0, 1, 2, 0])
        experiment.exploit = experiment.exploit.inBlocks
        #expect(listed.compactMap { experiment.division?.number(of: $0) } == [0, 0, 0, 1])
    }

    @Test func `a quarter is rounded down, but at least one of three`() {
        #expect((0...13).map { ExploitRule.quarter(of: $0) } == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3])
        // Donors, places for migrants, and replaced members never overlap.
        for size in 3...200 { #expect(3 * ExploitRule.quarter(of: size) <= size) }
    }

    @Test func `members that diverged rank last and are replaced after any interval`() throws {
        let experiment = experiment(.multiFrequency(every: [1, 5]))
        var scores = scores
        for member in [2, 4, 5, 7] { scores[member] = .nan }
        for index in [0, 4] {
            let decisions = try experiment.decisions(index: index, scores: scores)
            // 2 is last; 3 has the place for migrants, and 6 ranks better.
            #expect(decisions.prefix(4).map { $0.donor?.member } == [nil, nil, 0, 6])
            // Of the slow only 6 is ranked.
            #expect(decisions.suffix(4).map { $0.donor?.member } == [6, 6, nil, 6])
        }
    }

    @Test func `if nobody inside is ranked the best of all is the donor, and without one a member restarts`() throws {
        let experiment = experiment(.multiFrequency(every: [1, 5]))
        let nan = Double.nan
        let some = try experiment.decisions(scores: [nan, nan, nan, nan, 3, 5, 4, 1])
        #expect(some.map { $0.donor?.member } == [5, 5, 5, 5, nil, nil, nil, nil])
        let explored = try #require(some[0].next?.changes.first)
        #expect(explored.operation.hasPrefix("×"))
        let none = try experiment.decisions(scores: Array(repeating: nan, count: 8))
        #expect(none.allSatisfy { $0.outcome == .restarts })
    }

    @Test func `a sub-population explores by its own rule, and a hyperparameter by its own`() throws {
        let rule = ExploitRule.multiFrequency([
            .init(every: 1, explore: .perturb(by: [3])), .init(every: 1),
        ])
        var experiment = experiment(rule, explore: .perturb(by: [7]))
        let decisions = try experiment.decisions(scores: scores)
        #expect(try #require(decisions[3].next).changes.map(\.operation) == ["×3"])
        #expect(try #require(decisions[7].next).changes.map(\.operation) == ["×7"])
        experiment.space = ["lr": .logUniform(1e-4...1).explored(by: .none)]
        #expect(try #require(experiment.decisions(scores: scores)[3].next).changes.map(\.operation) == ["kept"])
    }

    @Test func `a burn-in replaces nobody who can be ranked`() throws {
        var experiment = experiment(.multiFrequency(every: [1, 2]))
        experiment.burnIn = 3
        var scores = scores
        scores[6] = .nan
        for index in 0..<2 {
            let decisions = try experiment.decisions(index: index, scores: scores)
            #expect(decisions.filter { $0.donor != nil }.map(\.interval.member) == [6])
        }
        #expect(try experiment.decisions(index: 2, scores: scores).count { $0.donor != nil } > 1)
    }

    @Test func `a member's place in its sub-population is part of the explanation`() throws {
        let experiment = experiment(.multiFrequency(every: [1, 5]))
        let population = experiment.population(index: 4, scores: scores)
        func choice(_ member: Int) throws -> ExploitChoice {
            try experiment.choice(
                after: experiment.trained(member, index: 4, score: scores[member]), in: population,
                strategies: Strategies())
        }
        let slow = try choice(6)
        let inside = try #require(slow.subPopulation)
        #expect(inside.number == 1 && inside.count == 2 && inside.every == 5 && inside.isDue && inside.size == 4)
        #expect(inside.rank == 2 && inside.quarter == 1 && slow.rank == 5 && inside.candidate?.id == 0)
        guard case .best(let best) = inside.origin else {
            Issue.record("\(String(describing: inside.origin))")
            return
        }
        #expect(best.id == 4)
        #expect(try choice(2).subPopulation?.origin == .donor)
        #expect(try choice(3).subPopulation?.origin == nil && choice(3).donor?.id == 0)
        #expect(try choice(0).donor == nil)
    }

    @Test func `the choices do not depend on what was asked before, nor on the order of reports`() throws {
        for seed in 0..<20 {
            let experiment = experiment(.multiFrequency(every: [1, 1, 2]), population: 13, seed: UInt64(seed))
            var random = RandomStream.trial(seed, name: "scores")
            let scores = (0..<13).map { _ in random.unit() < 0.15 ? .nan : (random.normal() * 3).rounded() }
            let forward = try experiment.decisions(index: 1, scores: scores)
            // Created for the experiment, it is ranked in sub-populations from the start.
            var population = Population(experiment)
            for member in (0..<13).reversed() {
                if let standing = experiment.standing(
                    of: experiment.trained(member, index: 1, score: scores[member]), after: nil)
                {
                    population.update(standing)
                }
            }
            for member in (0..<13).reversed() {
                let decision = try experiment.decide(
                    after: experiment.trained(member, index: 1, score: scores[member]), in: population, at: epoch)
                #expect(decision == forward[member])
            }
        }
    }

    @Test func `what was derived from a ranking does not outlive it`() throws {
        let experiment = experiment(.multiFrequency(every: [1, 5]))
        var population = Population(experiment)
        for (member, score) in scores.enumerated() {
            population.update(
                try #require(experiment.standing(of: experiment.trained(member, score: score), after: nil)))
        }
        func migrant() throws -> Int? {
            try experiment.decide(after: experiment.trained(2, score: 4), in: population, at: epoch).donor?.member
        }
        #expect(try migrant() == 4)
        let earlier = population
        population.remove(4)
        #expect(try migrant() == 5)
        population.update(try #require(experiment.standing(of: experiment.trained(6, score: 11), after: nil)))
        #expect(try migrant() == 6)
        population = earlier
        #expect(try migrant() == 4)
    }
}

@Suite("Runs with sub-populations") struct MultiFrequencyRunTests {
    private static let toy = GreedyTask(isDeceptive: true, rounds: 20)
    private static let every = [1, 2, 5]

    private func experiment(_ rule: ExploitRule = .multiFrequency(every: every), seed: UInt64 = 1) -> Experiment {
        Experiment(
            "e", objective: .maximize("score"), population: 13, intervals: 20, seed: seed, space: GreedyTask.space,
            exploit: rule, explore: .perturb(by: [0.5, 2]), decides: .certain)
    }

    @Test func `sub-populations change on their rounds only, and a faster migrant brings no hyperparameters`() throws {
        let experiment = experiment()
        let division = try #require(experiment.division)
        let outcome = try Simulation(experiment, of: Self.toy).run()
        var operations: [String: Int] = [:]
        for interval in outcome.intervals.values {
            let number = division.number(of: interval.id.member)
            guard let parent = interval.parent, interval.isExploit else {
                #expect(interval.changes.isEmpty)
                continue
            }
            #expect(interval.id.index.isMultiple(of: Self.every[number]))
            #expect(parent.index == interval.id.index - 1)
            let donor = try #require(outcome.intervals[parent])
            let from = division.number(of: parent.member)
            let operation = try #require(interval.changes.first?.operation)
            operations[operation, default: 0] += 1
            if from == number {
                #expect(operation.hasPrefix("×"))
            } else if Self.every[from] > Self.every[number] {
                #expect(operation == "migrated" && interval.hyperparameters == donor.hyperparameters)
            } else {
                let best = division.members(of: number).compactMap {
                    outcome.intervals[IntervalID(member: $0, index: parent.index)]
                }.max { ($0.score ?? 0) < ($1.score ?? 0) }
                #expect(operation == "migrated, best's" && interval.hyperparameters == best?.hyperparameters)
            }
        }
        #expect((operations["migrated"] ?? 0) > 2 && (operations["migrated, best's"] ?? 0) > 2, "\(operations)")
    }

    @Test func `a simulation decides as a store does`() async throws {
        for rule in [ExploitRule.multiFrequency(every: Self.every), .portfolio(forPopulation: 13), .truncation()] {
            let experiment = experiment(rule)
            let simulated = try Simulation(experiment, of: Self.toy).run()
            let stored = try await VirtualRun(experiment: experiment, toy: Self.toy, workers: 5, seed: 3).run()
            #expect(stored.intervals.count == 260 && simulated.intervals.count == 260)
            for interval in stored.intervals {
                #expect(simulated.intervals[interval.id]?.inTree == interval.inTree)
                #expect(simulated.intervals[interval.id]?.score == interval.score)
            }
            let drawn = try Simulation(experiment, of: Self.toy, order: .drawn(7)).run()
            #expect(drawn.intervals == simulated.intervals)
        }
    }

    @Test(arguments: [false, true])
    func `every decision of troubled runs is derived again from the rows`(isSynchronous: Bool) async throws {
        var migrated = 0
        for seed in 0..<UInt64(30) {
            let rules: [ExploitRule] = [
                .multiFrequency([.init(every: 1, explore: .resample), .init(every: 2)]),
                .multiFrequency(every: [1, 2, 4]),
            ]
            var experiment = experiment(rules[seed % 3 == 0 ? 0 : 1], seed: seed)
            experiment.intervals = 7
            experiment.space = ["x": .uniform(0...1)]
            experiment.retries = 1
            experiment.isSynchronous = isSynchronous
            if seed % 4 == 0 { experiment.deadline = .seconds(40) }
            if !isSynchronous, seed % 4 == 1 { experiment.patience = .seconds(1) }
            let (record, intervals) = try await TroubledRun(experiment: experiment, seed: seed).finished()
            let audit = try Audit(experiment: experiment, intervals: intervals)
            #expect(audit.mismatches == [])
            #expect(record.undecided == 0 || record.state != .finished)
            migrated += intervals.flatMap(\.changes).count { $0.operation.hasPrefix("migrated") }
        }
        #expect(migrated > 30)
    }

    @Test func `a falsified migrant is found`() async throws {
        let experiment = experiment()
        let run = try await VirtualRun(experiment: experiment, toy: Self.toy, workers: 3, seed: 1).run()
        func problems(_ forge: (inout Interval) -> Void) throws -> [String] {
            var rows = run.intervals
            let place = try #require(
                rows.firstIndex { $0.changes.first?.operation == "migrated, best's" && $0.id.index > 0 })
            forge(&rows[place])
            return try Audit(experiment: experiment, intervals: rows).mismatches.map(\.problem)
        }
        #expect(try problems { _ in } == [])
        #expect(
            try problems { $0.changes[0].operation = "migrated" }.contains("its changes are not recorded as derived"))
        #expect(try problems { $0.hyperparameters["h"] = 0.123 }.contains { $0.hasPrefix("h is recorded as 0.123") })
    }

    @Test func `an edit of the population divides it anew, and the run ends audited`() async throws {
        let clock = ManualClock()
        let store = InMemoryStore(clock: clock.store)
        var experiment = experiment(.multiFrequency(every: [1, 3]))
        experiment.intervals = 8
        _ = try await store.create(experiment)
        func train(_ count: Int) async throws {
            for _ in 0..<count {
                guard case .assignment(let assignment) = try await store.claim(from: "e", by: "w", for: .seconds(60))
                else {
                    return
                }
                let id = assignment.interval.id
                let score = (id.member * 7 + id.index * 5) % 11
                _ = try await store.finish(
                    assignment.lease,
                    .trained(score: Double(score), metrics: [:], checkpoint: "\(assignment.lease.checkpointName)"))
            }
        }
        try await train(40)
        for population in [17, 9] {
            experiment.population = population
            _ = try await store.revise(experiment)
            try await train(25)
        }
        try await train(.max)
        #expect(try await store.record(of: "e").state == .finished)
        let audit = try await Audit(revisions: store.revisions(of: "e"), intervals: store.intervals(of: "e"))
        #expect(audit.mismatches == [])
    }
}
