// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// Algorithm 1 of the paper (Jaderberg 2017), over whole runs.
@Suite("Algorithm 1") struct AlgorithmTests {
    private static let orders: [Simulation<NoisyQuadratic>.Order] = [.inStep, .drawn(1), .drawn(2)]
    private let toy = NoisyQuadratic(dimensions: 4, steps: 5)

    private func experiment(_ exploit: ExploitRule, synchronous: Bool, seed: UInt64 = 5) -> Experiment {
        Experiment(
            "algorithm", objective: .minimize("loss"), population: 10, intervals: 12, seed: seed,
            space: NoisyQuadratic.space, exploit: exploit, isSynchronous: synchronous,
            decides: .early)
    }

    private func runs(_ rule: ExploitRule) throws -> [Simulation<NoisyQuadratic>.Outcome] {
        try Self.orders.map { try Simulation(experiment(rule, synchronous: false), of: toy, order: $0).run() }
            + [try Simulation(experiment(rule, synchronous: true), of: toy).run()]
    }

    private static let rules: [ExploitRule] = [
        .truncation(), .binaryTournament, .tTest(window: 3, significance: 0.3), .best,
    ]

    @Test func `without exploit every member is an independent run with constant hyperparameters`() throws {
        let experiment = experiment(.none, synchronous: false)
        for outcome in try runs(.none) {
            for member in 0..<10 {
                var weights = toy.founder(seed: 0)
                for interval in outcome.intervals(of: member) {
                    #expect(interval.hyperparameters == experiment.founder(member), "constant bit for bit")
                    let alone = try toy.train(
                        &weights, with: experiment.founder(member), seed: experiment.trainerSeed(for: interval.id))
                    #expect(interval.score == alone)
                    #expect(outcome.weights[interval.id] == weights)
                }
                #expect(outcome.intervals(of: member).count == 12)
            }
            #expect(outcome.decisions.allSatisfy { $0.outcome == .continues || $0.outcome == .ends })
        }
    }

    @Test(arguments: rules)
    func `hyperparameters change exactly when a member is replaced`(rule: ExploitRule) throws {
        for outcome in try runs(rule) {
            var replacements = 0
            for decision in outcome.decisions {
                guard let next = decision.next else { continue }
                let before = try #require(outcome.intervals[decision.interval]).hyperparameters
                if decision.donor != nil {
                    replacements += 1
                    #expect(next.changes.count == 1, "explored once, each hyperparameter once")
                } else {
                    #expect(next.changes.isEmpty && next.hyperparameters == before)
                }
            }
            #expect(replacements > 2)
            #expect(outcome.intervals.values.count { !$0.changes.isEmpty } == replacements)
        }
    }

    @Test(arguments: rules)
    func `a replaced member is neither ranked nor a donor before it has a score of its own`(rule: ExploitRule) throws {
        for (outcome, isSynchronous) in zip(try runs(rule), [false, false, false, true]) {
            // The intervals that were taken over, in the order of the decisions: a member whose own decision to be
            // replaced came earlier must not give away what it had before.
            var replaced: Set<IntervalID> = []
            for decision in outcome.decisions {
                if let donor = decision.donor, !isSynchronous { #expect(!replaced.contains(donor)) }
                if decision.replaces { replaced.insert(decision.interval) }
            }
        }
    }

    @Test(arguments: rules)
    func `in each generation the decisions see one and the same population`(rule: ExploitRule) throws {
        let outcome = try Simulation(experiment(rule, synchronous: true), of: toy).run()
        for decision in outcome.decisions {
            if let donor = decision.donor { #expect(donor.index == decision.interval.index) }
        }
        #expect(outcome.intervals.count == 120)
    }

    @Test(arguments: rules)
    func `every child trains the very weights that its parent's score measured`(rule: ExploitRule) throws {
        for outcome in try runs(rule) {
            for interval in outcome.intervals.values {
                guard let parent = interval.parent else { continue }
                var weights = try #require(outcome.weights[parent])
                let seed = experiment(rule, synchronous: false).trainerSeed(for: interval.id)
                let score = try toy.train(&weights, with: interval.hyperparameters, seed: seed)
                #expect(score == interval.score && weights == outcome.weights[interval.id])
                #expect(interval.depth == (outcome.intervals[parent]?.depth ?? -1) + 1)
            }
        }
    }

    @Test(arguments: rules)
    func `the result is the best by score`(rule: ExploitRule) throws {
        for outcome in try runs(rule) {
            #expect(outcome.best?.score == outcome.intervals.values.compactMap(\.score).min())
        }
    }

    @Test(arguments: rules)
    func `every member is evaluated once an interval, replaced or not`(rule: ExploitRule) throws {
        for outcome in try runs(rule) {
            #expect(outcome.intervals.count == 120 && outcome.decisions.count == 120)
            #expect(Set(outcome.decisions.map(\.interval)).count == 120)
            #expect(outcome.intervals.values.allSatisfy { $0.score?.isFinite == true })
        }
    }

    @Test func `the best member survives every decision`() throws {
        for rule in [ExploitRule.truncation(), .truncation(0.5), .binaryTournament, .best] {
            let outcome = try Simulation(experiment(rule, synchronous: true), of: toy).run()
            for index in 0..<11 {
                let generation = outcome.intervals.values.filter { $0.id.index == index }
                let best = try #require(generation.min { ($0.score ?? .infinity) < ($1.score ?? .infinity) })
                #expect(outcome.decisions.first { $0.interval == best.id }?.outcome == .continues)
            }
        }
    }

    @Test func `a random search is the same founders without exploit`() throws {
        var pbt = experiment(.truncation(), synchronous: true)
        pbt.hasBaseline = true
        let baseline = try #require(pbt.baseline)
        #expect(baseline.kind == .randomSearch && baseline.name == "algorithm.random_search" && !baseline.hasBaseline)
        let outcome = try Simulation(baseline, of: toy).run()
        for member in 0..<10 {
            #expect(outcome.intervals(of: member).allSatisfy { $0.hyperparameters == pbt.founder(member) })
        }
        pbt.hasBaseline = false
        #expect(pbt.baseline == nil)
    }
}
