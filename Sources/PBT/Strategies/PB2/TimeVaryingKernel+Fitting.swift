// SPDX-License-Identifier: Apache-2.0

extension TimeVaryingKernel {
    /// The most evaluations of the likelihood.
    private static let mostEvaluations = 60

    /// A parameter that is learned: where it starts, by how much it first moves, and where it ends.
    private struct Parameter {
        var start: Double
        var step: Double
        var range: ClosedRange<Double>
    }

    /// Returns the kernel under which observations are most likely.
    ///
    /// The logarithms of length scale and noise, and ε, λ and the ε of categories as they are, move one at a time while
    /// the likelihood grows, by steps that are halved three times; the variance that is best with them has a closed
    /// form. No draw, and no order of evaluation that depends on time.
    ///
    /// - Parameters:
    ///   - inputs: The points.
    ///   - values: The observations; finite.
    ///   - mixes: Pass true if categories count.
    /// - Returns: The kernel; one with default parameters if all observations are 0.
    package static func fitted(to inputs: [GaussianProcess.Input], _ values: [Double], mixing mixes: Bool) -> Self {
        var parameters = [
            // The logarithm of ℓ: from 0.01 to 10.
            Parameter(start: 0, step: 1.2, range: Mathematics.log(0.01)...Mathematics.log(10)),
            Parameter(start: 0.1, step: 0.16, range: 0...0.5),
            // The logarithm of the noise's share: from 0.0001, which keeps the matrix regular, to 100.
            Parameter(start: Mathematics.log(0.1), step: 1.6, range: Mathematics.log(1e-4)...Mathematics.log(100)),
        ]
        if mixes {
            parameters.append(Parameter(start: 0.5, step: 0.3, range: 0...1))
            parameters.append(Parameter(start: 0, step: 0.16, range: 0...0.5))
        }
        var best = parameters.map(\.start)
        guard values.contains(where: { $0 != 0 }) else { return kernel(best, mixes) }
        let distances = Distances(of: inputs)
        var (fitted, most) = likelihood(of: values, kernel(best, mixes), distances)
        var (evaluations, halvings) = (1, 0)
        var scale = 1.0
        while evaluations < mostEvaluations, halvings <= 3 {
            var improves = false
            for (place, parameter) in parameters.enumerated() {
                for direction in [1.0, -1.0] {
                    var other = best
                    let moved = other[place] + direction * scale * parameter.step
                    other[place] = min(max(moved, parameter.range.lowerBound), parameter.range.upperBound)
                    guard other != best, evaluations < mostEvaluations else { continue }
                    evaluations += 1
                    let (candidate, likelihood) = likelihood(of: values, kernel(other, mixes), distances)
                    guard likelihood > most else { continue }
                    (best, fitted, most, improves) = (other, candidate, likelihood, true)
                    break
                }
            }
            if !improves {
                scale /= 2
                halvings += 1
            }
        }
        return fitted
    }

    private static func kernel(_ parameters: [Double], _ mixes: Bool) -> Self {
        Self(
            lengthScale: Mathematics.exp(parameters[0]), forgetting: parameters[1],
            noise: Mathematics.exp(parameters[2]),
            mixture: mixes ? Mixture(product: parameters[3], forgetting: parameters[4]) : nil)
    }

    /// Returns the kernel with the variance that makes observations most likely, and the logarithm of the likelihood up
    /// to a constant.
    private static func likelihood(
        of values: [Double], _ kernel: Self, _ distances: Distances
    ) -> (kernel: Self, likelihood: Double) {
        var kernel = kernel
        guard let factor = CholeskyFactor(of: distances.matrix(by: kernel), count: values.count) else {
            return (kernel, -.infinity)
        }
        let squares = factor.solvedTransposed(values).reduce(0) { $0 + $1 * $1 }
        let count = Double(values.count)
        kernel.variance = min(max(squares / count, 1e-6), 1e6)
        return (
            kernel,
            -0.5 * (squares / kernel.variance + count * Mathematics.log(kernel.variance) + factor.logDeterminant)
        )
    }
}
