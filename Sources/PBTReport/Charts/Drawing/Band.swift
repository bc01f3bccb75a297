// SPDX-License-Identifier: Apache-2.0

import PBT

/// Quantiles of a population over the steps of an axis.
struct Band {
    /// One step.
    struct Step {
        var at: Double
        var low: Double
        var median: Double
        var high: Double
    }

    private(set) var steps: [Step] = []

    /// Creates the 10th, 50th and 90th percentiles of each step with at least a tenth as many values as the fullest.
    ///
    /// - Parameter values: The position of each step, and its values.
    init(_ values: [(at: Double, values: [Double])]) {
        let fullest = values.reduce(0) { max($0, $1.values.count) }
        for (at, unsorted) in values where !unsorted.isEmpty && unsorted.count * 10 >= fullest {
            let sorted = unsorted.sorted()
            func quantile(_ share: Double) -> Double {
                sorted[Int(saturating: (Double(sorted.count - 1) * share).rounded())]
            }
            steps.append(Step(at: at, low: quantile(0.1), median: quantile(0.5), high: quantile(0.9)))
        }
        // Both sides of the band together are one path.
        let limit = Decimation.limit / 2
        if steps.count > limit {
            steps = (0..<limit).map { steps[$0 * (steps.count - 1) / (limit - 1)] }
        }
    }
}
