// SPDX-License-Identifier: Apache-2.0

extension Dimension {
    /// A scale on which numbers are drawn and explored.
    package enum Scale: Sendable, Hashable {
        case linear
        /// The logarithm of numbers above 0.
        case logarithmic
        /// -log(1 - x) for numbers x below 1; the negative keeps the order.
        case reverseLogarithmic

        /// Returns the place of a number on the scale.
        package func position(of number: Double) -> Double {
            switch self {
            case .linear: number
            case .logarithmic: Mathematics.log(number)
            case .reverseLogarithmic: -Mathematics.log(1 - number)
            }
        }

        /// Returns the number at a place on the scale.
        package func number(at position: Double) -> Double {
            switch self {
            case .linear: position
            case .logarithmic: Mathematics.exp(position)
            case .reverseLogarithmic: 1 - Mathematics.exp(-position)
            }
        }

        /// Returns true if a number has a place on the scale.
        package func contains(_ number: Double) -> Bool {
            switch self {
            case .linear: number.isFinite
            case .logarithmic: number > 0 && number.isFinite
            case .reverseLogarithmic: number < 1 && number.isFinite
            }
        }
    }
}

extension Dimension.Real {
    /// The scale of the distribution.
    package var explorationScale: Dimension.Scale {
        switch distribution {
        case .uniform, .normal: .linear
        case .logUniform, .logNormal: .logarithmic
        case .reverseLogUniform: .reverseLogarithmic
        }
    }

    /// The range that founders draw from, if it has two ends.
    var range: ClosedRange<Double>? {
        switch distribution {
        case .uniform(let low, let high), .logUniform(let low, let high), .reverseLogUniform(let low, let high):
            low...high
        case .normal, .logNormal: nil
        }
    }

    /// The width of the range that founders draw from, on the scale; four standard deviations of a normal distribution.
    package var width: Double {
        switch distribution {
        case .uniform(let low, let high), .logUniform(let low, let high), .reverseLogUniform(let low, let high):
            explorationScale.position(of: high) - explorationScale.position(of: low)
        case .normal(_, let deviation), .logNormal(_, let deviation): 4 * deviation
        }
    }

    /// Returns true if a number is outside the bounds by more than a rounding error.
    package func isBeyondBounds(_ number: Double) -> Bool {
        guard !number.isNaN else { return true }
        let cut = min(max(number, bounds.lowerBound), bounds.upperBound)
        let magnitude =
            explorationScale == .reverseLogarithmic ? 1 - cut : max(number.magnitude, cut.magnitude)
        return (number - cut).magnitude > 1e-9 * magnitude
    }
}

extension Dimension.Integers {
    /// The scale of the distribution.
    package var explorationScale: Dimension.Scale {
        isLogarithmic ? .logarithmic : .linear
    }

    /// The width of the range that founders draw from, on the scale.
    package var width: Double {
        explorationScale.position(of: Double(range.upperBound))
            - explorationScale.position(of: Double(range.lowerBound))
    }

    /// The points of the grid that founders draw from; a grid has one in every range that is read from a file.
    package var drawn: ClosedRange<Int> {
        guard quantum > 1 else { return range }
        let low = legal(Double(range.lowerBound))
        let first = low < range.lowerBound ? low + quantum : low
        return first...max(first, last(below: range.upperBound))
    }

    /// Returns the nearest integer of the grid, regardless of the bounds.
    package func nearestPoint(to number: Double) -> Int {
        guard quantum > 1 else { return Int(min(max(number.rounded(), -0x1p62), 0x1p62)) }
        let steps = ((number - Double(bounds.lowerBound)) / Double(quantum)).rounded()
        return Int(min(max(Double(bounds.lowerBound) + steps * Double(quantum), -0x1p62), 0x1p62))
    }

    /// Clips a point of the grid to the bounds.
    package func legal(_ point: Int) -> Int {
        min(max(point, bounds.lowerBound), quantum > 1 ? last(below: bounds.upperBound) : bounds.upperBound)
    }

    /// Returns the nearest integer of the grid within the bounds.
    package func legal(_ number: Double) -> Int {
        legal(nearestPoint(to: number))
    }

    /// Returns the greatest integer of the grid that is at most a number.
    private func last(below number: Int) -> Int {
        bounds.lowerBound + (number - bounds.lowerBound) / quantum * quantum
    }
}
