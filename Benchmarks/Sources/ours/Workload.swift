// SPDX-License-Identifier: Apache-2.0

import PBT

/// The work that every program that we compare with does as well.
struct Workload {
    /// Members.
    var population: Int
    /// Intervals of each member.
    var intervals: Int
    /// Bytes of a checkpoint.
    var checkpoint = 1024
    /// Seconds that an interval sleeps.
    var pause = 0.0
    /// How many intervals are trained at a time.
    var workers = 1
    /// How many runs there are, with seeds from 0.
    var seeds = 1
    /// Where the members start; drawn when empty.
    var initial: [Hyperparameters] = []

    static let all: [String: Workload] = [
        "w1": Workload(population: 16, intervals: 100),
        "w1big": Workload(population: 256, intervals: 20),
        "w2p2": Workload(
            population: 2, intervals: 50, seeds: 10, initial: [["h0": 1.0, "h1": 0.0], ["h0": 0.0, "h1": 1.0]]),
        "w2p16": Workload(population: 16, intervals: 50, seeds: 10),
        "w3": Workload(population: 16, intervals: 50, pause: 0.05, workers: 2),
        "w3p": Workload(population: 16, intervals: 50, pause: 0.05, workers: 2),
        "w4": Workload(population: 8, intervals: 20, checkpoint: 100 << 20, workers: 2),
        "smoke": Workload(population: 4, intervals: 3),
    ]

    /// The experiment of one seed: our defaults, with the chance of 1/4 to draw anew that others have as theirs.
    func experiment(seed: Int) -> Experiment {
        Experiment(
            "seed-\(seed)", objective: .maximize("score"), population: population, intervals: intervals,
            seed: UInt64(seed), space: ["h0": .uniform(0...1), "h1": .uniform(0...1)], initial: initial,
            explore: .perturb(resampling: 0.25))
    }
}
