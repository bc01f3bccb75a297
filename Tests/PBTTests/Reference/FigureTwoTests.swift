// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// Figure 2 of the paper (Jaderberg 2017): 200 gradient steps, an exchange every 4, two members.
@Suite("Figure 2") struct FigureTwoTests {
    private func experiment(
        exploit: ExploitRule = .truncation(0.5), explore: ExploreRule, seed: UInt64 = 1, synchronous: Bool = true
    ) -> Experiment {
        Experiment(
            "figure-2", objective: .maximize("q"), population: 2, intervals: 50, seed: seed, space: FigureTwo.space,
            initial: FigureTwo.initial, exploit: exploit, explore: explore, isSynchronous: synchronous)
    }

    private func finalScore(
        _ experiment: Experiment, rate: Double, _ strategies: Strategies = Strategies()
    ) throws -> Double {
        let outcome = try Simulation(experiment, of: FigureTwo(rate: rate), strategies: strategies).run()
        return try (0..<2).map { try #require(outcome.intervals[IntervalID(member: $0, index: 49)]?.score) }.max()
            ?? .nan
    }

    @Test func `grid search ends at 0.3897494379`() throws {
        let score = try finalScore(experiment(exploit: .none, explore: .none), rate: 0.01)
        #expect((score - 0.3897494379).magnitude < 1e-9)
    }

    @Test func `grid search with longer steps ends at 0.39`() throws {
        let score = try finalScore(experiment(exploit: .none, explore: .none), rate: 0.05)
        #expect((score - 0.39).magnitude < 1e-6)
    }

    @Test(arguments: [(0.01, 1.1715075265), (0.05, 1.1999999989)])
    func `exploiting weights only ends at the reference value`(rate: Double, expected: Double) throws {
        for seed: UInt64 in 0..<20 {
            let score = try finalScore(
                experiment(explore: .custom("own"), seed: seed), rate: rate, Strategies(explore: ["own": KeepsOwn()]))
            #expect((score - expected).magnitude < 1e-9, "seed \(seed) ended at \(score)")
        }
    }

    @Test func `multiplying alone as Ray does can never leave 0 and ends at 0.39`() throws {
        for seed: UInt64 in 0..<20 {
            let score = try finalScore(experiment(explore: .ray(resampling: 0), seed: seed), rate: 0.05)
            #expect((score - 0.39).magnitude < 1e-6, "seed \(seed) ended at \(score)")
        }
    }

    @Test(arguments: [
        ExploreRule.ray(resampling: 0.25), .perturb(by: [1.2, 0.8], resampling: 0.25), .perturb(resampling: 0.25),
    ])
    func `copying both and resampling a quarter ends above 1.18 for at least 95 of 100 seeds`(rule: ExploreRule) throws
    {
        let scores = try (0..<100).map { try finalScore(experiment(explore: rule, seed: $0), rate: 0.05) }
        let good = scores.count { $0 >= 1.18 }
        #expect(good >= 95, "only \(good); the worst is \(scores.min() ?? .nan)")
    }

    @Test func `our perturbation needs no resampling since 0 is not a trap`() throws {
        let scores = try (0..<100).map { try finalScore(experiment(explore: .perturb(), seed: $0), rate: 0.05) }
        let good = scores.count { $0 >= 1.18 }
        #expect(good >= 95, "only \(good); the worst is \(scores.min() ?? .nan)")
    }

    @Test func `an exact tie between the two does not stop the exchange`() throws {
        let experiment = experiment(explore: .custom("own"))
        let outcome = try Simulation(
            experiment, of: FigureTwo(), strategies: Strategies(explore: ["own": KeepsOwn()])
        ).run()
        let first = (0..<2).compactMap { outcome.intervals[IntervalID(member: $0, index: 0)]?.score }
        #expect(first.count == 2 && first[0] == first[1], "the problem begins with a tie")
        #expect(outcome.decisions.count { $0.interval.index == 0 && $0.name == "exploits" } == 1)
        for index in 0..<49 {
            #expect(outcome.decisions.count { $0.interval.index == index && $0.name == "exploits" } == 1)
        }
    }

    @Test func `asynchronous members solve it too`() throws {
        let scores = try (0..<50).map {
            try finalScore(experiment(explore: .perturb(resampling: 0.25), seed: $0, synchronous: false), rate: 0.05)
        }
        #expect(scores.count { $0 >= 1.18 } >= 47, "\(scores.filter { $0 < 1.18 })")
    }
}

/// Takes a donor's weights but keeps the member's own hyperparameters.
struct KeepsOwn: ExploreStrategy {
    func explore(
        own: Hyperparameters, donor: Population.Member, in population: Population, space: SearchSpace,
        using random: inout RandomStream
    ) -> Hyperparameters {
        own
    }
}
