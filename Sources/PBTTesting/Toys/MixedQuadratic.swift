// SPDX-License-Identifier: Apache-2.0

public import PBT

/// A noisy quadratic with categories in addition to the learning rate: the gradient's scaling, and whether its noise is
/// halved.
///
/// The gradient's noise is ±1 in each of the 20 dimensions, and the curvatures go from 1 down to 0.01. Scaling by the
/// inverse root of the curvature, `root`, or by its inverse, `full`, conditions the problem better.
public struct MixedQuadratic: Toy {
    /// The weights.
    public struct Weights: Sendable, Hashable {
        /// One weight for each dimension.
        public var theta: [Double]

        /// Creates weights.
        public init(theta: [Double]) { self.theta = theta }
    }

    private let curvature = (0..<20).map { Mathematics.exp(-Mathematics.log(100) * Double($0) / 19) }

    /// Creates the problem.
    public init() {}

    /// The objective: minimize the loss.
    public var objective: Objective { .minimize("loss") }

    /// The learning rate, between 1e-4 and 2, the scaling, and the averaging.
    public static var space: SearchSpace {
        [
            "learning_rate": .logUniform(1e-4...2), "scaling": .choice(["none", "root", "full", "inverse"]),
            "averaging": .boolean,
        ]
    }

    /// Returns weights of 1.
    public func founder(seed: Int) -> Weights {
        Weights(theta: Array(repeating: 1, count: 20))
    }

    /// Descends along noisy gradients for 40 steps.
    ///
    /// - Throws: A `PBTError` if `learning_rate` is missing.
    public func train(_ weights: inout Weights, with hyperparameters: Hyperparameters, seed: Int) throws -> Double {
        let rate = try hyperparameters.double("learning_rate")
        let noise = hyperparameters["averaging"] == true ? 0.5 : 1
        let exponent: Double =
            switch hyperparameters["scaling"] {
            case "root": -0.5
            case "full": -1
            case "inverse": 1
            default: 0
            }
        let scaling = curvature.map { Mathematics.exp(exponent * Mathematics.log($0)) }
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<40 {
            var signs = random.next()
            for i in weights.theta.indices {
                let gradient = curvature[i] * weights.theta[i] + (signs & 1 == 0 ? noise : -noise)
                weights.theta[i] -= rate * scaling[i] * gradient
                signs >>= 1
            }
        }
        return loss(of: weights)
    }

    /// Returns the loss of weights.
    public func loss(of weights: Weights) -> Double {
        zip(curvature, weights.theta).reduce(0) { $0 + 0.5 * $1.0 * $1.1 * $1.1 }
    }
}
