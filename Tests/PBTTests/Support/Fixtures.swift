// SPDX-License-Identifier: Apache-2.0

import PBT

let epoch = Timestamp(milliseconds: 0)

extension Interval {
    /// The interval as a store has it after it was trained with this score.
    func done(_ score: Double) -> Self {
        var copy = self
        copy.state = score.isFinite ? .done : .diverged
        copy.score = score
        copy.checkpoint = id.description
        copy.checkpointState = .kept
        return copy
    }

    /// The interval as a store has it when its retries are spent.
    func failed() -> Self {
        var copy = self
        copy.state = .failed
        return copy
    }
}

extension Experiment {
    /// An experiment to decide about, with one hyperparameter unless told otherwise.
    static func sample(
        kind: Kind = .populationBasedTraining, goal: Objective.Goal = .maximize, population: Int = 8,
        intervals: Int = 10,
        seed: UInt64 = 1, space: SearchSpace = ["rate": .logUniform(1e-4...1)],
        exploit: ExploitRule = .truncation(0.25),
        explore: ExploreRule = .perturb(), synchronous: Bool = false, decides: Decides = .early
    ) -> Self {
        Self(
            "sample", kind: kind, objective: Objective(metric: "score", goal: goal), population: population,
            intervals: intervals, seed: seed, space: space, exploit: exploit, explore: explore,
            isSynchronous: synchronous, decides: decides)
    }

    /// A finished interval of a member, with the founder's hyperparameters.
    func trained(_ member: Int, index: Int = 0, score: Double, depth: Int? = nil) -> Interval {
        Interval(
            id: IntervalID(member: member, index: index), parent: nil, hyperparameters: founder(member),
            depth: depth ?? index + 1, created: epoch
        ).done(score)
    }

    /// The population after every member finished the interval of that index with these scores; those that are no finite
    /// number cannot be ranked.
    func population(index: Int = 0, scores: [Double]) -> Population {
        var population = Population(objective: objective, seed: seed, size: scores.count)
        for (member, score) in scores.enumerated() {
            if let standing = standing(of: trained(member, index: index, score: score), after: nil) {
                population.update(standing)
            }
        }
        return population
    }

    /// The decisions about all members that finished the interval of that index with these scores.
    func decisions(index: Int = 0, scores: [Double], strategies: Strategies = Strategies()) throws -> [Decision] {
        let population = population(index: index, scores: scores)
        return try scores.enumerated().map { member, score in
            try decide(
                after: trained(member, index: index, score: score), in: population, strategies: strategies, at: epoch)
        }
    }
}

extension RandomStream {
    /// The stream of one of many trials.
    static func trial(_ number: Int, seed: UInt64 = 11, name: String = "") -> Self {
        Self(seed: seed, .explore, member: number, index: 1, name: name)
    }
}
