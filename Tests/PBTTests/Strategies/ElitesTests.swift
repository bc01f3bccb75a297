// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// A model that improves by its rate in every interval, and loses all that it learned in some intervals.
private struct Fragile: Toy {
    /// The seeds of the intervals that destroy a model, and of those whose score is not finite.
    var destroyed: Set<Int> = []
    var diverged: Set<Int> = []

    let objective = Objective.maximize("score")

    func founder(seed: Int) -> Double { 1 }

    func train(_ weights: inout Double, with hyperparameters: Hyperparameters, seed: Int) throws -> Double {
        weights += hyperparameters["rate"]?.double ?? 0
        if destroyed.contains(seed) { weights /= 100 }
        return diverged.contains(seed) ? .nan : weights
    }
}

@Suite("Return to elites") struct ElitesTests {
    private func experiment(
        _ elites: Elites?, exploit: ExploitRule = .truncation(0.25), intervals: Int = 10, seed: UInt64 = 1
    ) -> Experiment {
        Experiment(
            "e", objective: .maximize("score"), population: 8, intervals: intervals, seed: seed,
            space: ["rate": .uniform(0.5...1)], exploit: exploit, elites: elites, decides: .certain)
    }

    private func toy(destroying index: Int, of experiment: Experiment, diverging: Bool = false) -> Fragile {
        let seeds = Set((0..<8).map { experiment.trainerSeed(for: IntervalID(member: $0, index: index)) })
        return Fragile(destroyed: seeds, diverged: diverging ? seeds : [])
    }

    private func best(_ intervals: [Interval], at index: Int) -> Double? {
        intervals.filter { $0.id.index == index }.compactMap(\.score).max()
    }

    // MARK: The rule

    private func population(_ scores: [Double], elites: [Double]) -> Population {
        let experiment = experiment(nil)
        var population = experiment.population(index: 4, scores: scores)
        population.elites = elites.enumerated().compactMap { number, score in
            experiment.standing(of: experiment.trained(number, index: 1, score: score), after: nil)
        }
        return population
    }

    @Test func `a population has collapsed if its best is worse than the best elite by more than the tolerance`() {
        let elites = Elites(relative: 0.1)
        #expect(elites.collapse(of: population([1, 89], elites: [100])) != nil)
        #expect(elites.collapse(of: population([1, 90], elites: [100])) == nil)
        #expect(elites.collapse(of: population([1, 89], elites: [98, 50])) == nil)
        #expect(elites.collapse(of: population([1, 89], elites: [])) == nil)
        // All that is given must be exceeded.
        #expect(Elites(absolute: 12, relative: 0.1).collapse(of: population([1, 89], elites: [100])) == nil)
        #expect(Elites(absolute: 10, relative: 0.1).collapse(of: population([1, 89], elites: [100])) != nil)
        #expect(Elites(absolute: 0).collapse(of: population([1, 100], elites: [100])) == nil)
        #expect(Elites(absolute: 1e300).collapse(of: population([.nan, .nan], elites: [100]))?.best == nil)
        #expect(Elites(absolute: 1e300).collapse(of: population([.nan, .nan], elites: [100])) != nil)
    }

    @Test func `a member returns to an elite that is better than itself by more than the tolerance`() throws {
        let experiment = experiment(Elites(count: 3, absolute: 10))
        let population = population([80, 60, .nan], elites: [100, 85, 40])
        var donors: [Int: Set<Int>] = [:]
        for index in 4..<60 {
            for (member, score) in [80.0, 60, .nan].enumerated() {
                let interval = experiment.trained(member, index: index, score: score)
                let choice = try experiment.choice(after: interval, in: population, strategies: Strategies())
                #expect(choice.collapse?.elite.score == 100)
                #expect(choice.gate == nil)
                donors[member, default: []].insert(try #require(choice.donor).id)
            }
        }
        #expect(donors == [0: [0], 1: [0, 1], 2: [0, 1, 2]])
    }

    @Test func `all return, the rule and the gate do not matter, and hyperparameters of the elite are explored`() throws
    {
        var experiment = experiment(Elites(count: 1, relative: 0.1), exploit: .binaryTournament)
        experiment.gate = ExploitGate(absolute: 1e9)
        let population = population([1, 2, 3, 4, 5, 6, 7, 8], elites: [100])
        for member in 0..<8 {
            let decision = try experiment.decide(
                after: experiment.trained(member, index: 4, score: Double(member + 1)), in: population, at: epoch)
            let next = try #require(decision.next)
            #expect(next.parent == IntervalID(member: 0, index: 1))
            #expect(next.depth == 3)
            // Member 0 returns to its own interval.
            #expect(next.isExploit && decision.replaces)
            #expect(next.changes.map(\.name) == ["rate"])
            #expect(next.changes[0].old == population.elites[0].hyperparameters["rate"])
        }
        experiment.burnIn = 9
        let early = try experiment.decide(
            after: experiment.trained(1, index: 4, score: 1), in: population, at: epoch)
        #expect(early.outcome == .continues)
    }

    @Test func `elites are the best before an index, ties by later index, however they are added`() throws {
        let experiment = experiment(Elites(count: 3, relative: 0))
        let members = try [(0, 0, 5.0), (1, 0, 7), (2, 1, 7), (3, 2, 7), (4, 2, 7), (5, 3, 6)].map {
            member, index, score in
            try #require(
                experiment.standing(of: experiment.trained(member, index: index, score: score), after: nil))
        }
        var rankings: Set<[IntervalID]> = []
        for seed in 0..<20 {
            var random = RandomStream.trial(seed, name: "order")
            var rest = members
            var ranking = try #require(experiment.eliteRanking())
            while !rest.isEmpty { ranking.add([rest.remove(at: random.index(below: rest.count))]) }
            rankings.insert(ranking.members.map(\.interval))
        }
        #expect(rankings.count == 1)
        #expect(
            Set(rankings.first?.prefix(2) ?? []) == [IntervalID(member: 3, index: 2), IntervalID(member: 4, index: 2)])
        #expect(rankings.first?.last == IntervalID(member: 2, index: 1))
    }

    // MARK: Runs

    @Test(arguments: [1, 2, 3, 4], [false, true])
    func `a population that collapsed returns to the score of its elites within one interval`(
        seed: UInt64, diverging: Bool
    ) async throws {
        let (index, definition) = (5, experiment(Elites(count: 2, relative: 0.1), seed: seed))
        let toy = toy(destroying: index, of: definition, diverging: diverging)
        let run = try await VirtualRun(experiment: definition, toy: toy, workers: 3, seed: seed).run()
        let elite = try #require(best(run.intervals, at: index - 1))
        if !diverging { #expect(try #require(best(run.intervals, at: index)) < 0.2 * elite) }
        #expect(try #require(best(run.intervals, at: index + 1)) >= elite)
        // Every member, not the best only.
        for interval in run.intervals where interval.id.index == index + 1 {
            #expect(interval.score.map { $0 > 0.8 * elite } ?? false)
            #expect(interval.parent.map { $0.index < index && $0.index >= index - 2 } ?? false)
        }
        // Without elites the loss stays.
        var without = definition
        without.elites = nil
        let lost = try await VirtualRun(experiment: without, toy: toy, workers: 3, seed: seed).run()
        #expect(try #require(best(lost.intervals, at: index + 1)) < 0.5 * elite)
        let (before, same) = (lost.intervals, run.intervals)
        #expect(
            before.filter { $0.id.index < index }.map(\.inTree) == same.filter { $0.id.index < index }.map(\.inTree))
    }

    @Test(arguments: [
        ExploitRule.truncation(), .binaryTournament, .tTest(window: 4, significance: 0.3), .best,
        .multiFrequency(every: [1, 2]),
    ])
    func `1, 2, 4 and 8 workers give the same tree, which an audit and a simulation derive`(
        exploit: ExploitRule
    ) async throws {
        for elites in [Elites(count: 2, relative: 0.3), Elites(count: 5, absolute: 0.001)] {
            let definition = experiment(elites, exploit: exploit, intervals: 14, seed: 3)
            var toy = toy(destroying: 4, of: definition)
            toy.destroyed.formUnion(self.toy(destroying: 9, of: definition).destroyed)
            toy.diverged = self.toy(destroying: 7, of: definition).destroyed
            var trees: [[Interval]] = []
            for (workers, slowness) in [(1, 1.0), (2, 3), (4, 1), (8, 3)] {
                let run = try await VirtualRun(
                    experiment: definition, toy: toy, workers: workers, seed: UInt64(workers), slowness: slowness
                ).run()
                trees.append(run.intervals.map(\.inTree))
                let audit = try Audit(experiment: definition, intervals: run.intervals)
                #expect(audit.mismatches == [])
                let returns = audit.findings.filter { $0.choice?.collapse != nil }
                #expect(returns.count >= 24)
                #expect(returns.allSatisfy { $0.recorded?.parent?.index ?? 99 < $0.interval.index })
                #expect(run.record.state == .finished)
                // None is left of the elites but the best.
                #expect(run.intervals.count { $0.checkpointState == .kept } <= 9)
            }
            for tree in trees.dropFirst() { #expect(tree == trees[0]) }
            for order in [Simulation<Fragile>.Order.inStep, .drawn(7)] {
                let simulated = try Simulation(definition, of: toy, order: order).run()
                #expect(simulated.intervals.values.sorted { $0.id < $1.id }.map(\.inTree) == trees[0])
            }
        }
    }

    @Test func `an audit finds an elite that is not derived`() async throws {
        let definition = experiment(Elites(count: 1, relative: 0.1))
        let run = try await VirtualRun(
            experiment: definition, toy: toy(destroying: 5, of: definition), workers: 2, seed: 1
        ).run()
        var intervals = run.intervals
        let place = try #require(intervals.firstIndex { $0.id == IntervalID(member: 2, index: 6) })
        intervals[place].parent?.index -= 1
        #expect(try !Audit(experiment: definition, intervals: intervals).mismatches.isEmpty)
    }

    // MARK: Reading

    private func read(_ exploit: Value, _ more: [String: Value] = [:]) throws -> Experiment {
        let definition: [String: Value] = [
            "name": "x", "objective": ["metric": "score", "goal": "maximize"], "population": 8, "intervals": 10,
            "space": ["rate": ["uniform": [0, 1]]], "exploit": exploit,
        ]
        return try Experiment(document: Document(.object(definition.merging(more) { $1 })), directory: "/")
    }

    private static let readable: [(Value, Elites?)] = [
        (["truncation": 0.2, "elites": ["relative": 0.1]], Elites(count: 2, relative: 0.1)),
        (
            ["best": nil, "burn_in": 2, "elites": ["count": 100, "absolute": 1e300, "relative": 1e6]],
            Elites(count: 100, absolute: 1e300, relative: 1e6)
        ),
        (["elites": ["count": 1, "absolute": 0]], Elites(count: 1, absolute: 0)),
        (["truncation": 0.2, "elites": nil], nil),
    ]

    @Test(arguments: readable)
    func `are read beside the rule, and written as they read`(_ text: Value, _ elites: Elites?) throws {
        let experiment = try read(text)
        #expect(experiment.elites == elites)
        #expect(experiment.value["exploit"]?["elites"] == elites?.value)
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
    }

    @Test(
        arguments: [
            (2, "exploit.elites: must be an object, not 2; write for example: {count: 2, relative: 0.1}"),
            (["count": 2], "exploit.elites: has no tolerance; write for example: {count: 2, relative: 0.1}"),
            (["count": 0, "relative": 0.1], "exploit.elites.count: must be at least 1, not 0"),
            (
                ["relative": -0.1],
                "exploit.elites.relative: must be a loss from 0 to 1000000, in parts of the elite's score, not -0.1"
            ),
            (["absolute": .number(.nan)], "exploit.elites.absolute: must be a finite number, not null"),
            (
                ["tolerance": 0.1],
                "exploit.elites.tolerance: unknown key; write relative: 0.1, a part of the elite's score, or "
                    + "absolute: 0.1"
            ),
        ] as [(Value, String)])
    func `wrong elites are refused by place and remedy`(_ elites: Value, _ message: String) throws {
        let error = #expect(throws: DocumentError.self) { try read(["truncation": 0.2, "elites": elites]) }
        #expect(error.map { "\($0.path): \($0.problem)" } == message)
    }

    @Test(
        arguments: [
            (
                ["none": nil], [:],
                "exploit: elites cannot be combined with none, which never replaces a member; write truncation: 0.2, "
                    + "or remove elites"
            ),
            (
                ["truncation": 0.2], ["synchronous": true],
                "synchronous: cannot be combined with exploit.elites; write decide: certain, which gives the same tree "
                    + "of intervals"
            ),
            (
                ["truncation": 0.2], ["decide": "late"],
                "decide: late cannot be combined with exploit.elites, which compare scores of the same interval; write "
                    + "decide: certain"
            ),
            (
                ["truncation": 0.2], ["open": true],
                "open: cannot be combined with exploit.elites: members that come at any time have no common interval"
            ),
        ] as [([String: Value], [String: Value], String)])
    func `what has no common interval is refused`(
        _ rule: [String: Value], _ more: [String: Value], _ message: String
    ) throws {
        let exploit = rule.merging(["elites": ["relative": 0.1]]) { $1 }
        let error = #expect(throws: DocumentError.self) { try read(.object(exploit), more) }
        #expect(error.map { "\($0.path): \($0.problem)" } == message)
    }

    @Test func `a search with elites cannot be edited, and its baseline has none`() throws {
        let before = try read(["truncation": 0.2, "elites": ["relative": 0.1]], ["baseline": true])
        var after = before
        after.intervals = 20
        #expect(after.obstacles(toFollow: before).contains { $0.contains("a search with elites cannot be edited") })
        after = before
        after.retries = 7
        #expect(after.obstacles(toFollow: before) == [])
        #expect(before.baseline?.elites == nil)
        #expect(before.possibleDonors == experiment(nil, exploit: .truncation(0.2)).possibleDonors + 4)
    }
}
