// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// The noisy quadratic with categories beside the learning rate: how gradients are scaled, and whether noise is halved.
private struct MixedQuadratic: Toy {
    struct Weights: Sendable, Hashable {
        var theta: [Double]
    }

    static let space: SearchSpace = [
        "learning_rate": .logUniform(1e-4...2), "scaling": .choice(["none", "root", "full", "inverse"]),
        "averaging": .boolean,
    ]

    var objective: Objective { .minimize("loss") }
    private let curvature = (0..<20).map { Mathematics.exp(-Mathematics.log(100) * Double($0) / 19) }

    func founder(seed: Int) -> Weights {
        Weights(theta: Array(repeating: 1, count: 20))
    }

    func train(_ weights: inout Weights, with hyperparameters: Hyperparameters, seed: Int) throws -> Double {
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
        return zip(curvature, weights.theta).reduce(0) { $0 + 0.5 * $1.0 * $1.1 * $1.1 }
    }
}

@Suite("Kept categories on a task with mixed types") struct MixedQuadraticTests {
    /// The loss of the best member at the end, for 20 seeds.
    private func losses(keeping probability: Double) throws -> [Double] {
        try (UInt64(0)..<20).map { seed in
            let experiment = Experiment(
                "mixed", objective: .minimize("loss"), population: 16, intervals: 25, seed: seed,
                space: MixedQuadratic.space, explore: .perturb().keepingCategories(probability), isSynchronous: true)
            let outcome = try Simulation(experiment, of: MixedQuadratic()).run()
            return (0..<16).compactMap { outcome.intervals[IntervalID(member: $0, index: 24)]?.score }.min()
                ?? .infinity
        }
    }

    /// Decision 24 has the table; 13 of 20 seeds are better, which is too little for a default.
    @Test func `keeping them nine times of ten lowers the median loss by a quarter`() throws {
        #expect(try losses(keeping: 0.9).sorted()[10] < 0.75 * losses(keeping: 0).sorted()[10])
    }
}
