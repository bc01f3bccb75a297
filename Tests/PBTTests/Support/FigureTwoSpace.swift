// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting

/// A quick run of any experiment whose space has `h0` and `h1`.
enum FigureTwoSpace {
    static let value = FigureTwo.space

    static func run(
        _ experiment: Experiment, strategies: Strategies = Strategies(),
        order: Simulation<FigureTwo>.Order = .inStep
    ) throws -> Simulation<FigureTwo>.Outcome {
        try Simulation(experiment, of: FigureTwo(rate: 0.02), strategies: strategies, order: order).run()
    }
}
