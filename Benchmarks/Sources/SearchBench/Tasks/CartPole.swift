// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension BenchTask {
    /// REINFORCE with a linear policy on CartPole, 16 episodes an interval; the score is the mean return of 2 episodes,
    /// the regret what the mean of 100 fresh episodes lacks of 500.
    static func cartPole(_ name: String) -> BenchTask {
        BenchTask(
            name: name, objective: .maximize("return"),
            space: [
                "learning_rate": .logUniform(1e-4...1), "discount": .uniform(0.8...0.9999),
                "batch": .integer(1...8),
            ], optimum: 0
        ) { _ in
            Array(repeating: 0, count: 5)
        } step: { weights, hyperparameters, seed in
            let rate = try hyperparameters.double("learning_rate")
            let discount = try hyperparameters.double("discount")
            let batch = Int(try hyperparameters.double("batch"))
            var draws = Draws(seed, 2)
            var gradients: [[Double]] = []
            for _ in 0..<16 {
                gradients.append(CartPole.gradient(weights, discount, &draws))
                guard gradients.count == batch else { continue }
                for gradient in gradients {
                    for i in weights.indices { weights[i] += rate * gradient[i] / Double(batch) }
                }
                gradients = []
            }
            guard weights.allSatisfy(\.isFinite) else { return .nan }
            return CartPole.meanReturn(weights, episodes: 2, &draws)
        } regret: { weights, seed in
            var draws = Draws(seed, 3)
            return 500 - CartPole.meanReturn(weights, episodes: 100, &draws)
        } score: { weights, seed in
            var draws = Draws(seed, 4)
            return CartPole.meanReturn(weights, episodes: 2, &draws)
        }
    }
}

/// The pole on a cart of Barto, Sutton and Anderson, 1983, with the constants and limits of OpenAI Gym's CartPole-v1.
private struct CartPole {
    var position: Double
    var velocity: Double
    var angle: Double
    var turn: Double

    init(_ draws: inout Draws) {
        position = 0.1 * draws.unit() - 0.05
        velocity = 0.1 * draws.unit() - 0.05
        angle = 0.1 * draws.unit() - 0.05
        turn = 0.1 * draws.unit() - 0.05
    }

    /// Pushes the cart for 20 ms; returns false when it has left its track or the pole has fallen.
    mutating func push(right: Bool) -> Bool {
        let (sine, cosine) = (sin(angle), cos(angle))
        let force = ((right ? 10 : -10) + 0.05 * turn * turn * sine) / 1.1
        let acceleration = (9.8 * sine - cosine * force) / (0.5 * (4.0 / 3 - 0.1 * cosine * cosine / 1.1))
        let push = force - 0.05 * acceleration * cosine / 1.1
        position += 0.02 * velocity
        velocity += 0.02 * push
        angle += 0.02 * turn
        turn += 0.02 * acceleration
        return position.magnitude <= 2.4 && angle.magnitude <= 12 * 2 * Double.pi / 360
    }

    var features: [Double] { [position, velocity, angle * 5, turn, 1] }

    /// The logit of pushing to the right.
    func logit(_ weights: [Double]) -> Double {
        weights[0] * position + weights[1] * velocity + weights[2] * angle * 5 + weights[3] * turn + weights[4]
    }

    /// Returns the gradient of one episode's expected return, with the mean of its returns as the baseline.
    static func gradient(_ weights: [Double], _ discount: Double, _ draws: inout Draws) -> [Double] {
        var pole = CartPole(&draws)
        var steps: [[Double]] = []
        var isUp = true
        while isUp, steps.count < 500 {
            let probability = 1 / (1 + exp(-pole.logit(weights)))
            let right = draws.unit() < probability
            steps.append(pole.features.map { $0 * ((right ? 1 : 0) - probability) })
            isUp = pole.push(right: right)
        }
        var returns = Array(repeating: 0.0, count: steps.count)
        var sum = 0.0
        for i in steps.indices.reversed() {
            sum = 1 + discount * sum
            returns[i] = sum
        }
        let mean = returns.reduce(0, +) / Double(returns.count)
        var gradient = Array(repeating: 0.0, count: weights.count)
        for (step, value) in zip(steps, returns) {
            for i in gradient.indices { gradient[i] += step[i] * (value - mean) / 100 }
        }
        return gradient
    }

    /// Returns the mean length of episodes in which the likelier action is taken.
    static func meanReturn(_ weights: [Double], episodes: Int, _ draws: inout Draws) -> Double {
        var sum = 0
        for _ in 0..<episodes {
            var pole = CartPole(&draws)
            var steps = 1
            while steps < 500, pole.push(right: pole.logit(weights) > 0) { steps += 1 }
            sum += steps
        }
        return Double(sum) / Double(episodes)
    }
}
