// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// Noisy quadratic: 20 dimensions, condition 100, 8 members, 50 intervals of 40 steps.
@Suite("Noisy quadratic") struct NoisyQuadraticTests {
    private func experiment(seed: UInt64) -> Experiment {
        Experiment(
            "noisy", objective: .minimize("loss"), population: 8, intervals: 50, seed: seed,
            space: NoisyQuadratic.space, exploit: .truncation(0.2), explore: .perturb(by: [0.8, 1.25]),
            isSynchronous: true, hasBaseline: true)
    }

    private func finalLoss(_ outcome: Simulation<NoisyQuadratic>.Outcome) -> Double {
        (0..<8).compactMap { outcome.intervals[IntervalID(member: $0, index: 49)]?.score }.min() ?? .infinity
    }

    @Test func `PBT beats a random search with the same founders for at least 18 of 20 seeds`() throws {
        let toy = NoisyQuadratic()
        var wins = 0
        var gain = 0.0
        for seed: UInt64 in 0..<20 {
            let experiment = experiment(seed: seed)
            let pbt = try Simulation(experiment, of: toy).run()
            let random = try Simulation(try #require(experiment.baseline), of: toy).run()
            for member in 0..<8 {
                let founder = IntervalID(member: member, index: 0)
                #expect(pbt.intervals[founder]?.score == random.intervals[founder]?.score, "the founders are the same")
            }
            wins += finalLoss(pbt) < finalLoss(random) ? 1 : 0
            gain += Mathematics.log10(finalLoss(random) / finalLoss(pbt)) / 20
        }
        #expect(wins >= 18, "\(wins) of 20")
        #expect(gain > 0.3, "the mean gain is \(gain) decades")
    }

    @Test func `the winner's learning rate falls along its lineage`() throws {
        var falls = 0
        for seed: UInt64 in 0..<10 {
            let outcome = try Simulation(experiment(seed: seed), of: NoisyQuadratic()).run()
            var interval = outcome.best
            let last = try #require(interval?.hyperparameters["learning_rate"]?.double)
            while let parent = interval?.parent { interval = outcome.intervals[parent] }
            let first = try #require(interval?.hyperparameters["learning_rate"]?.double)
            falls += last < first ? 1 : 0
        }
        #expect(falls >= 9, "\(falls) of 10")
    }
}
