// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// The plain and the deceptive task: 1,000 steps in 50 rounds.
@Suite("Greedy tasks") struct GreedyTaskTests {
    private func experiment(_ kind: Experiment.Kind, population: Int, seed: UInt64 = 0) -> Experiment {
        Experiment(
            "greedy", kind: kind, objective: .maximize("score"), population: population, intervals: 50, seed: seed,
            space: GreedyTask.space, exploit: .truncation(0.25), explore: .perturb(by: [0.5, 2]), isSynchronous: true)
    }

    private func finalScore(of schedule: (Int) -> Double, isDeceptive: Bool) throws -> Double {
        let schedule = (0..<50).map { Hyperparameters(["h": .number(schedule($0))]) }
        let replay = experiment(.populationBasedTraining, population: 1)
            .replay(named: "replay", schedule: schedule, seeds: 1)
        let outcome = try Simulation(replay, of: GreedyTask(isDeceptive: isDeceptive)).run()
        return try #require(outcome.intervals[IntervalID(member: 0, index: 49)]?.score)
    }

    private func medianBest(isDeceptive: Bool, kind: Experiment.Kind, seeds: Int) throws -> Double {
        let best = try (0..<seeds).map { seed in
            let outcome = try Simulation(
                experiment(kind, population: 22, seed: UInt64(seed)), of: GreedyTask(isDeceptive: isDeceptive)
            ).run()
            return (0..<22).compactMap { outcome.intervals[IntervalID(member: $0, index: 49)]?.score }.max() ?? .nan
        }
        return best.sorted()[seeds / 2]
    }

    /// A schedule with its final scores.
    struct Schedule: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let deceptive: Double
        let plain: Double
        let h: @Sendable (Int) -> Double
    }

    @Test(arguments: [
        Schedule(testDescription: "linear decay", deceptive: 1.197929, plain: 1.197929) { Double(50 - $0) / 50 },
        Schedule(testDescription: "least at once", deceptive: 0.826972, plain: 1.199732) { _ in 1e-4 },
        Schedule(testDescription: "1 for ever", deceptive: 0.954622, plain: 1.185224) { _ in 1 },
        Schedule(testDescription: "½ for ever", deceptive: 0.987959, plain: 1.198010) { _ in 0.5 },
        Schedule(testDescription: "halved each round", deceptive: 0.891593, plain: 1.199686) {
            (0..<$0).reduce(1.0) { h, _ in max(h / 2, 1e-4) }
        },
    ])
    func `a schedule ends at its exact score`(schedule: Schedule) throws {
        #expect((try finalScore(of: schedule.h, isDeceptive: true) - schedule.deceptive).magnitude < 1e-6)
        #expect((try finalScore(of: schedule.h, isDeceptive: false) - schedule.plain).magnitude < 1e-6)
    }

    @Test func `PBT every round solves the plain task`() throws {
        #expect(try medianBest(isDeceptive: false, kind: .populationBasedTraining, seeds: 9) >= 1.1990)
    }

    @Test func `PBT every round is deceived, and worse than a random search`() throws {
        let greedy = try medianBest(isDeceptive: true, kind: .populationBasedTraining, seeds: 9)
        #expect(greedy <= 0.95)
        #expect(try medianBest(isDeceptive: true, kind: .randomSearch, seeds: 9) > greedy)
    }

    /// The median of the best member's final score, 24 members with factor 2.
    private func median(of rule: ExploitRule, isDeceptive: Bool, seeds: Int) throws -> Double {
        let best = try (0..<seeds).map { seed in
            var experiment = experiment(.populationBasedTraining, population: 24, seed: UInt64(seed))
            experiment.exploit = rule
            experiment.isSynchronous = false
            experiment.decides = .certain
            let outcome = try Simulation(experiment, of: GreedyTask(isDeceptive: isDeceptive)).run()
            return (0..<24).compactMap { outcome.intervals[IntervalID(member: $0, index: 49)]?.score }.max() ?? .nan
        }
        return best.sorted()[seeds / 2]
    }

    @Test func `sub-populations that exchange every 1, 5 and 10 rounds are not deceived, and solve both`() throws {
        #expect(try median(of: .multiFrequency(), isDeceptive: true, seeds: 9) >= 1.17)
        #expect(try median(of: .multiFrequency(), isDeceptive: false, seeds: 9) >= 1.199)
        #expect(try median(of: .truncation(0.25), isDeceptive: true, seeds: 9) <= 0.95)
    }

    @Test func `a portfolio without any setting solves both`() throws {
        let portfolio = ExploitRule.portfolio(forPopulation: 24)
        #expect(try median(of: portfolio, isDeceptive: true, seeds: 9) >= 1.15)
        #expect(try median(of: portfolio, isDeceptive: false, seeds: 9) >= 1.199)
    }
}
