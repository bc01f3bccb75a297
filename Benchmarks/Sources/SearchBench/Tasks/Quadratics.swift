// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension BenchTask {
    /// Gradient descent with momentum on a quadratic of condition 100 in 20 dimensions; the learning rate must fall.
    ///
    /// An interval has 20 steps, with noise of 0.3·√curvature on each gradient.
    ///
    /// - Parameters:
    ///   - name: The task's name.
    ///   - noise: The standard deviation of the logarithm of the reported loss around the true one.
    /// - Returns: The task.
    static func quadratic(_ name: String, noise: Double) -> BenchTask {
        let count = 20
        let curvature = (0..<count).map { pow(100, Double($0) / Double(count - 1)) }
        let roots = curvature.map { 0.3 * $0.squareRoot() }
        @Sendable func loss(_ weights: [Double]) -> Double {
            var sum = 0.0
            for i in 0..<count { sum += 0.5 * curvature[i] * weights[i] * weights[i] }
            return sum / Double(count)
        }
        return BenchTask(
            name: name, objective: .minimize("loss"),
            space: ["learning_rate": .logUniform(1e-5...0.1), "momentum": .uniform(0...0.95)], optimum: 0
        ) { seed in
            var draws = Draws(seed, 1)
            return (0..<count).map { _ in 1 + 0.1 * draws.normal() } + Array(repeating: 0, count: count)
        } step: { weights, hyperparameters, seed in
            let rate = try hyperparameters.double("learning_rate")
            let momentum = try hyperparameters.double("momentum")
            var draws = Draws(seed, 2)
            for _ in 0..<20 {
                for i in 0..<count {
                    let gradient = curvature[i] * weights[i] + roots[i] * draws.normal()
                    weights[count + i] = momentum * weights[count + i] + gradient
                    weights[i] -= rate * weights[count + i]
                }
            }
            let loss = loss(weights)
            return noise == 0 ? loss : loss * exp(noise * draws.normal())
        } regret: { weights, _ in
            loss(weights)
        }
    }

    /// The plain or the deceptive task with one weight, of 50 intervals; the regret is θ².
    static func greedy(_ name: String, isDeceptive: Bool) -> BenchTask {
        let task = GreedyTask(isDeceptive: isDeceptive)
        return BenchTask(name: name, objective: task.objective, space: GreedyTask.space, optimum: 0) { seed in
            let founder = task.founder(seed: seed)
            return [founder.theta, founder.deviation, Double(founder.round)]
        } step: { weights, hyperparameters, seed in
            var model = task.founder(seed: seed)
            (model.theta, model.deviation, model.round) = (weights[0], weights[1], Int(weights[2]))
            let score = try task.train(&model, with: hyperparameters, seed: seed)
            weights = [model.theta, model.deviation, Double(model.round)]
            return score
        } regret: { weights, _ in
            weights[0] * weights[0]
        }
    }

    /// The toy problem of Figure 2; the regret is the distance from the maximum.
    static func figureTwo(_ name: String) -> BenchTask {
        let task = FigureTwo()
        return BenchTask(name: name, objective: task.objective, space: FigureTwo.space, optimum: 0) { seed in
            let founder = task.founder(seed: seed)
            return [founder.theta0, founder.theta1]
        } step: { weights, hyperparameters, seed in
            var model = FigureTwo.Weights(theta0: weights[0], theta1: weights[1])
            let score = try task.train(&model, with: hyperparameters, seed: seed)
            weights = [model.theta0, model.theta1]
            return score
        } regret: { weights, _ in
            weights[0] * weights[0] + weights[1] * weights[1]
        }
    }

    /// The quadratic with a category, a boolean, and a learning rate; the loss is exact, so it is the regret.
    static func mixed(_ name: String) -> BenchTask {
        let task = MixedQuadratic()
        return BenchTask(name: name, objective: task.objective, space: MixedQuadratic.space, optimum: 0) { seed in
            task.founder(seed: seed).theta
        } step: { weights, hyperparameters, seed in
            var model = MixedQuadratic.Weights(theta: weights)
            let score = try task.train(&model, with: hyperparameters, seed: seed)
            weights = model.theta
            return score
        } regret: { weights, _ in
            task.loss(of: MixedQuadratic.Weights(theta: weights))
        }
    }
}
