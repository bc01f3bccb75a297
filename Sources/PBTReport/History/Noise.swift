// SPDX-License-Identifier: Apache-2.0

import PBT

/// An estimate of the standard deviation of a single score: how much it would differ with another seed of the
/// evaluation.
public struct Noise: Sendable, Hashable {
    /// The data of the estimate.
    public enum Source: String, Sendable, Hashable {
        /// Repeated evaluations of the same checkpoints.
        case evaluations
        /// The scatter of scores along lineages whose hyperparameters did not change.
        case scores
    }

    /// The standard deviation of a single score; greater than 0.
    public var deviation: Double
    /// The data of the estimate.
    public var source: Source

    /// Estimates the noise of a search's scores.
    ///
    /// From repeated evaluations: the pooled standard deviation within checkpoints, with at least 4 degrees of freedom.
    ///
    /// Otherwise from the scores themselves: a score is compared with the mean of those before and after it in the same
    /// lineage, where all three were trained with the same hyperparameters, so that only noise and the curvature of
    /// learning remain (Gasser, Sroka, Jennen-Steinmetz: Residual variance and residual pattern in nonlinear
    /// regression, Biometrika 73, 1986). Used are the second half of the training and the better half of its scores,
    /// with the median of at least 8 differences, which a few bad members do not affect. Curvature makes the estimate
    /// too large rather than too small.
    ///
    /// - Parameters:
    ///   - populations: The intervals of the search, and of its baseline.
    ///   - objective: The objective.
    /// - Returns: The estimate; nil if there is not enough data, or if no scatter was observed.
    static func estimate(_ populations: [Genealogy], by objective: Objective) -> Noise? {
        if let deviation = withinCheckpoints(populations), deviation > 0, deviation.isFinite {
            return Noise(deviation: deviation, source: .evaluations)
        }
        let triples = populations.flatMap(steadyTriples)
        guard let deepest = triples.map(\.depth).max() else { return nil }
        var late = triples.filter { 2 * $0.depth >= deepest }
        // The mean of the three does not depend on the difference, so this choice does not bias it.
        late.sort { objective.key($0.mean) > objective.key($1.mean) }
        let differences = late.prefix((late.count + 1) / 2).map(\.difference.magnitude).sorted()
        guard differences.count >= 8 else { return nil }
        let middle = differences.count / 2
        let median =
            differences.count % 2 == 1
            ? differences[middle] : differences[middle - 1] / 2 + differences[middle] / 2
        // The difference has a variance of 1 + 1/4 + 1/4; the median of a normal one's magnitude is 0.6745 deviations.
        let deviation = median / 0.6745 / (1.5 as Double).squareRoot()
        // Differences of the size of rounding errors are no scatter.
        let largest = late.reduce(0) { max($0, $1.mean.magnitude) }
        return deviation > 1e-12 * largest && deviation.isFinite ? Noise(deviation: deviation, source: .scores) : nil
    }

    /// Returns the pooled standard deviation of the evaluations of each checkpoint.
    private static func withinCheckpoints(_ populations: [Genealogy]) -> Double? {
        var (sum, freedom) = (0.0, 0)
        for population in populations {
            for interval in population.intervals {
                guard let evaluated = interval.evaluated, let deviation = evaluated.deviation else { continue }
                sum += deviation * deviation * Double(evaluated.count - 1)
                freedom += evaluated.count - 1
            }
        }
        return freedom >= 4 ? (sum / Double(freedom)).squareRoot() : nil
    }

    private struct Triple {
        var depth: Int
        var mean: Double
        var difference: Double
    }

    /// Returns three successive scores wherever they were trained with the same hyperparameters.
    private static func steadyTriples(of population: Genealogy) -> [Triple] {
        population.intervals.compactMap { last in
            guard let c = last.finiteScore, let middle = last.parent.flatMap({ population[$0] }),
                let b = middle.finiteScore, middle.hyperparameters == last.hyperparameters,
                let first = middle.parent.flatMap({ population[$0] }), let a = first.finiteScore,
                first.hyperparameters == last.hyperparameters
            else { return nil }
            return Triple(depth: last.depth, mean: a / 3 + b / 3 + c / 3, difference: a / 2 + c / 2 - b)
        }
    }
}
