// SPDX-License-Identifier: Apache-2.0

public import PBT

/// Two tasks with one weight and one hyperparameter that distinguish a greedy search from a patient one.
///
/// Source: the toy tasks of PBT-Zoo ("To Be Greedy, or Not to Be", TMLR 2025, section 5.2). θ starts at 0.9 and shrinks
/// by 0.002·rate per step; the score is 1.2 − θ². The smaller h, the faster θ shrinks immediately. In the deceptive
/// task each round also slows all later ones by the distance of h from a linear decay, so dropping h early gains first
/// and loses in the end.
public struct GreedyTask: Toy {
    /// The weight, and the history that a copy inherits.
    public struct Weights: Sendable, Hashable {
        /// The weight.
        public var theta: Double
        /// The distance of the hyperparameter from the linear decay, summed over the rounds.
        public var deviation: Double
        /// The number of trained rounds.
        public var round: Int
    }

    /// True if deviating from the linear decay is punished later.
    public var isDeceptive: Bool
    /// The total number of rounds.
    public var rounds: Int
    /// The number of gradient steps per round.
    public var steps: Int

    /// Creates one of the two tasks.
    public init(isDeceptive: Bool, rounds: Int = 50, steps: Int = 20) {
        self.isDeceptive = isDeceptive
        self.rounds = rounds
        self.steps = steps
    }

    /// The objective: maximize the score.
    public var objective: Objective { .maximize("score") }

    /// The hyperparameter `h`: near 1 for founders, later between 1e-4 and 1.1.
    public static var space: SearchSpace { ["h": .uniform(0.9...1.1, bounds: 1e-4...1.1)] }

    /// Returns 0.9 for every founder.
    public func founder(seed: Int) -> Weights {
        Weights(theta: 0.9, deviation: 0, round: 0)
    }

    /// Shrinks the weight for one round.
    ///
    /// - Throws: A `PBTError` if `h` is missing.
    public func train(_ weights: inout Weights, with hyperparameters: Hyperparameters, seed: Int) throws -> Double {
        let h = try hyperparameters.double("h")
        weights.deviation += (h - linear(weights.round)).magnitude
        let rate = isDeceptive ? max(2 - h - 0.2 * weights.deviation, 0) : 2 - h
        for _ in 0..<steps {
            weights.theta *= 1 - 0.002 * rate
        }
        weights.round += 1
        return 1.2 - weights.theta * weights.theta
    }

    /// Returns the linear decay from 1 toward 0, which is the best schedule of the deceptive task.
    public func linear(_ round: Int) -> Double {
        Double(rounds - round) / Double(rounds)
    }
}
