// SPDX-License-Identifier: Apache-2.0

/// An exact Gaussian process with mean 0 over hyperparameters and time.
///
/// Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", algorithm 2.1; the kernels are those of
/// Parker-Holder et al. 2020 and 2021 (PB2, PB2-Mix).
package struct GaussianProcess: Sendable {
    /// A point of its domain.
    package struct Input: Sendable, Hashable {
        /// Numbers, each scaled to 0 … 1.
        package var numbers: [Double]
        /// The places of categories in their lists.
        package var categories: [Int]
        /// The time, in intervals.
        package var time: Double

        package init(_ numbers: [Double], categories: [Int] = [], time: Double) {
            self.numbers = numbers
            self.categories = categories
            self.time = time
        }
    }

    /// The value and its uncertainty at a point.
    package struct Posterior: Sendable, Hashable {
        package var mean: Double
        /// The variance of the value without the noise of an observation; not negative.
        package var variance: Double
    }

    package let kernel: TimeVaryingKernel
    private let rates: TimeVaryingKernel.Rates
    private let inputs: [Input]
    private let factor: CholeskyFactor
    /// The inverse of the covariance times the observations.
    private let weights: [Double]
    /// Points whose observations are still missing: the variance takes them into account, the mean does not.
    private var pending: [Pending] = []

    private struct Pending: Sendable {
        var input: Input
        /// Its column of the extended factor: one row for each observation, then one for each earlier pending point.
        var column: [Double]
        var earlier: [Double]
        var pivot: Double
    }

    /// Creates the posterior of observations; nil if the covariance cannot be factored.
    ///
    /// - Parameters:
    ///   - inputs: The points; duplicates are allowed.
    ///   - values: The observations there; finite.
    ///   - kernel: The covariance.
    package init?(_ inputs: [Input], _ values: [Double], kernel: TimeVaryingKernel) {
        precondition(inputs.count == values.count, "there is one observation for each point")
        guard let factor = CholeskyFactor(of: kernel.matrix(of: inputs), count: inputs.count) else { return nil }
        self.kernel = kernel
        rates = TimeVaryingKernel.Rates(kernel)
        self.inputs = inputs
        self.factor = factor
        weights = factor.solved(factor.solvedTransposed(values))
    }

    /// The points whose observations are still missing.
    package var pendingInputs: [Input] { pending.map(\.input) }

    /// Adds a point whose observation is still missing, so that others keep a distance.
    ///
    /// The variance does not depend on observations, so it is known already: Desautels et al. 2014, "Parallelizing
    /// Exploration-Exploitation Tradeoffs in Gaussian Process Bandit Optimization".
    package mutating func expect(_ input: Input) {
        let solved = solutions(for: [input])[0]
        let own = kernel.variance * (1 + kernel.noise) - solved.explained
        // A duplicate leaves at least the noise.
        let pivot = max(own, 1e-10 * kernel.variance).squareRoot()
        pending.append(Pending(input: input, column: solved.column, earlier: solved.earlier, pivot: pivot))
    }

    /// Removes the points whose observations are still missing.
    package mutating func expectNothing() {
        pending = []
    }

    /// Returns the posterior at some points.
    package func posteriors(at points: [Input]) -> [Posterior] {
        solutions(for: points).map {
            Posterior(mean: $0.mean, variance: max(kernel.variance - $0.explained, 0))
        }
    }

    private struct Solution {
        var mean = 0.0
        var explained = 0.0
        var column: [Double] = []
        var earlier: [Double] = []
    }

    /// Solves for points, a few at a time.
    private func solutions(for points: [Input]) -> [Solution] {
        let (n, lanes) = (inputs.count, CholeskyFactor.lanes)
        var solutions: [Solution] = []
        for start in stride(from: 0, to: points.count, by: lanes) {
            let some = points[start..<min(start + lanes, points.count)]
            var sides = Array(repeating: 0.0, count: lanes * n)
            var means = Array(repeating: 0.0, count: lanes)
            for (lane, point) in some.enumerated() {
                for i in 0..<n {
                    let covariance = rates(point, inputs[i])
                    sides[lanes * i + lane] = covariance
                    means[lane] += covariance * weights[i]
                }
            }
            factor.solveTransposed(&sides)
            for (lane, point) in some.enumerated() {
                var solution = Solution(mean: means[lane])
                solution.column.reserveCapacity(n)
                for i in 0..<n {
                    let element = sides[lanes * i + lane]
                    solution.explained += element * element
                    solution.column.append(element)
                }
                extend(&solution, by: point)
                solutions.append(solution)
            }
        }
        return solutions
    }

    /// Adds what pending points explain.
    private func extend(_ solution: inout Solution, by point: Input) {
        for expected in pending {
            var rest = rates(point, expected.input)
            for (own, other) in zip(solution.column, expected.column) { rest -= own * other }
            for (own, other) in zip(solution.earlier, expected.earlier) { rest -= own * other }
            let element = rest / expected.pivot
            solution.earlier.append(element)
            solution.explained += element * element
        }
    }
}
