// SPDX-License-Identifier: Apache-2.0

import PBT

/// The values of a real hyperparameter in consecutive intervals, on the scale of its distribution.
struct ScaledSamples {
    private let values: [Double]
    private let real: Dimension.Real
    private let positions: [Double]
    private let range: ClosedRange<Double>

    /// Creates samples; nil if there is nothing to fit: fewer than two values, equal ones, or one without a place on
    /// the scale.
    init?(_ values: [Value?], of real: Dimension.Real) {
        let scale = real.explorationScale
        let numbers = values.compactMap { $0?.double }
        guard numbers.count == values.count, numbers.count >= 2, numbers.allSatisfy(scale.contains),
            let least = numbers.min(), let greatest = numbers.max(), least < greatest
        else { return nil }
        self.values = numbers
        self.real = real
        positions = numbers.map(scale.position)
        // Values before an edit of the experiment, or of Ray's rule, may be beyond its bounds.
        range = min(least, real.bounds.lowerBound)...max(greatest, real.bounds.upperBound)
    }

    /// Returns the number at a place on the scale, within the bounds or the range of the samples.
    private func number(at position: Double) -> Double {
        min(max(real.explorationScale.number(at: position), range.lowerBound), range.upperBound)
    }

    /// Returns the knots of the piecewise linear function with the least squared error.
    ///
    /// - Parameter count: Their number, at least 2; nil to choose it by the Bayesian information criterion.
    /// - Returns: The knots; the first is at 0, the last at the number of samples.
    func knots(_ count: Int?) -> [Schedule.Knot] {
        let fit = PiecewiseLinearFit(positions, knots: count)
        return zip(fit.places, fit.values).map { Schedule.Knot(place: $0, value: number(at: $1)) }
    }

    /// Returns the monotone values with the least squared error.
    ///
    /// - Parameter direction: Their direction; nil for that of the smaller error.
    /// - Returns: A value for each sample.
    func monotone(_ direction: Schedule.Direction?) -> [Double] {
        let fits = Schedule.Direction.allCases.filter { direction == nil || $0 == direction }.map {
            IsotonicRegression(positions, isIncreasing: $0 == .increasing)
        }
        guard let fit = fits.min(by: { $0.error < $1.error }) else { return values }
        var result: [Double] = []
        for block in fit.blocks {
            // A block that changes nothing keeps its exact value.
            let isUnchanged = block.range.allSatisfy { values[$0] == values[block.range.lowerBound] }
            var value = isUnchanged ? values[block.range.lowerBound] : number(at: block.mean)
            if !isUnchanged, real.quantum != nil {
                value = min(max(real.legal(value), range.lowerBound), range.upperBound)
            }
            if let last = result.last { value = fit.isIncreasing ? max(value, last) : min(value, last) }
            result.append(contentsOf: repeatElement(value, count: block.range.count))
        }
        return result
    }
}
