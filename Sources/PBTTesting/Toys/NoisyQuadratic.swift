// SPDX-License-Identifier: Apache-2.0

public import PBT

/// Gradient descent on a badly conditioned quadratic with noisy gradients: no constant learning rate is good.
///
/// A high rate is fast at first and then bounces in the noise; only a decreasing rate gets close to the minimum. The
/// gradient's noise is ±`noise` in each dimension, each sign equally likely: a normal's mean and variance at a
/// twentieth of the cost. The score is the loss ½·Σ λi·θi² after the interval.
public struct NoisyQuadratic: Toy {
    /// The weights.
    public struct Weights: Sendable, Hashable {
        /// One weight for each dimension.
        public var theta: [Double]
    }

    /// The number of weights; at most 64.
    public var dimensions: Int
    /// The ratio of the greatest curvature to the least; the others are spaced evenly in the logarithm.
    public var condition: Double
    /// The standard deviation of the gradient's noise.
    public var noise: Double
    /// The number of gradient steps per interval.
    public var steps: Int
    private let curvature: [Double]

    /// Creates a problem; the defaults are those of the reference figures.
    public init(dimensions: Int = 20, condition: Double = 100, noise: Double = 1, steps: Int = 40) {
        precondition((2...64).contains(dimensions), "2 to 64 dimensions")
        self.dimensions = dimensions
        self.condition = condition
        self.noise = noise
        self.steps = steps
        curvature = (0..<dimensions).map { i in
            Mathematics.exp(-Mathematics.log(condition) * Double(i) / Double(dimensions - 1))
        }
    }

    /// The objective: minimize the loss.
    public var objective: Objective { .minimize("loss") }

    /// The learning rate, between 1e-4 and 2.
    public static var space: SearchSpace { ["learning_rate": .logUniform(1e-4...2)] }

    /// Returns weights of 1.
    public func founder(seed: Int) -> Weights {
        Weights(theta: Array(repeating: 1, count: dimensions))
    }

    /// Descends along noisy gradients.
    ///
    /// - Throws: A `PBTError` if `learning_rate` is missing.
    public func train(_ weights: inout Weights, with hyperparameters: Hyperparameters, seed: Int) throws -> Double {
        let rate = try hyperparameters.double("learning_rate")
        var random = SplitMix64(seed: UInt64(seed))
        let noise = noise
        curvature.withUnsafeBufferPointer { curvature in
            weights.theta.withUnsafeMutableBufferPointer { theta in
                var step = 0
                while step < steps {
                    var signs = random.next()
                    var i = 0
                    while i < theta.count {
                        let gradient = curvature[i] * theta[i] + (signs & 1 == 0 ? noise : -noise)
                        theta[i] -= rate * gradient
                        signs >>= 1
                        i += 1
                    }
                    step += 1
                }
            }
        }
        var loss = 0.0
        for (i, theta) in weights.theta.enumerated() { loss += 0.5 * curvature[i] * theta * theta }
        return loss
    }
}
