// SPDX-License-Identifier: Apache-2.0

public import PBT

/// The toy problem of Figure 2: two weights, of which each of two members can train only one.
///
/// Source: Jaderberg et al. 2017, section 4.1 and Figure 2. The score is Q(θ) = 1.2 − θ0² − θ1²; training climbs the
/// gradient of 1.2 − h0·θ0² − h1·θ1². With h = (1, 0) and (0, 1) no single run gets beyond 0.39; the optimum is 1.2.
public struct FigureTwo: Toy {
    /// The two weights.
    public struct Weights: Sendable, Hashable {
        /// The weight that `h0` trains.
        public var theta0: Double
        /// The weight that `h1` trains.
        public var theta1: Double
    }

    /// The step size η.
    public var rate: Double
    /// The number of gradient steps per interval.
    public var steps: Int

    /// Creates the problem with a step size and a number of gradient steps per interval.
    public init(rate: Double = 0.01, steps: Int = 4) {
        self.rate = rate
        self.steps = steps
    }

    /// The objective: maximize the score.
    public var objective: Objective { .maximize("q") }

    /// The hyperparameters `h0` and `h1`, between 0 and 1.
    public static var space: SearchSpace { ["h0": .uniform(0...1), "h1": .uniform(0...1)] }

    /// The hyperparameters of the two members: (1, 0) and (0, 1).
    public static var initial: [Hyperparameters] { [["h0": 1.0, "h1": 0.0], ["h0": 0.0, "h1": 1.0]] }

    /// Returns (0.9, 0.9), regardless of the seed.
    public func founder(seed: Int) -> Weights {
        Weights(theta0: 0.9, theta1: 0.9)
    }

    /// Climbs the surrogate's gradient.
    ///
    /// - Throws: A `PBTError` if `h0` or `h1` is missing.
    public func train(_ weights: inout Weights, with hyperparameters: Hyperparameters, seed: Int) throws -> Double {
        let h0 = try hyperparameters.double("h0")
        let h1 = try hyperparameters.double("h1")
        for _ in 0..<steps {
            weights.theta0 *= 1 - 2 * rate * h0
            weights.theta1 *= 1 - 2 * rate * h1
        }
        return 1.2 - (weights.theta0 * weights.theta0 + weights.theta1 * weights.theta1)
    }
}
