// SPDX-License-Identifier: Apache-2.0

/// A hyperparameter that the model of ``PB2`` knows as a number from 0 to 1: its place between its bounds, on the scale
/// of its distribution.
struct PB2Axis: Sendable {
    let name: String
    private let domain: Dimension.Domain
    /// The place of 0 on the scale.
    private let low: Double
    private let width: Double

    /// Creates the axis of a hyperparameter; nil if it has no order, or a single value.
    init?(_ name: String, _ dimension: Dimension) {
        self.name = name
        domain = dimension.domain
        let ends: (low: Double, high: Double)
        switch dimension.domain {
        case .real(let real): ends = real.modeledEnds
        case .integer(let integers): ends = integers.modeledEnds
        case .choice(let choice) where choice.isOrdered: ends = (0, Double(choice.values.count - 1))
        case .choice, .boolean, .constant, .free: return nil
        }
        low = ends.low
        width = ends.high - ends.low
        guard width > 0, width.isFinite, low.isFinite else { return nil }
    }

    /// Returns the place of a value, the nearest one if it is out of bounds; nil if it is of another kind.
    func place(of value: Value) -> Double? {
        let position: Double
        switch domain {
        case .real(let real):
            guard let number = value.double, !number.isNaN else { return nil }
            let scale = real.explorationScale
            position = scale.position(of: scale.contains(number) ? number : real.legal(number))
        case .integer(let integers):
            guard let number = value.double, !number.isNaN else { return nil }
            let scale = integers.explorationScale
            position = scale.position(of: scale.contains(number) ? number : Double(integers.legal(number)))
        case .choice(let choice):
            guard let place = choice.values.firstIndex(where: { $0.isSame(as: value) }) else { return nil }
            position = Double(place)
        case .boolean, .constant, .free: return nil
        }
        let place = (position - low) / width
        return place.isNaN ? nil : min(max(place, 0), 1)
    }

    /// Returns the legal value nearest to a place.
    func value(at place: Double) -> Value {
        let position = low + place * width
        switch domain {
        case .real(let real): return .number(real.legal(real.explorationScale.number(at: position)))
        case .integer(let integers): return .integer(integers.legal(integers.explorationScale.number(at: position)))
        case .choice(let choice):
            return choice.values[min(max(Int(saturating: position.rounded()), 0), choice.values.count - 1)]
        case .boolean, .constant, .free: return .null
        }
    }
}

extension Dimension.Real {
    /// The ends of the axis on the scale: the bounds; of a normal distribution at most three standard deviations from
    /// its mean.
    fileprivate var modeledEnds: (low: Double, high: Double) {
        let scale = explorationScale
        func position(_ bound: Double) -> Double? { scale.contains(bound) ? scale.position(of: bound) : nil }
        let (lower, upper) = (position(bounds.lowerBound), position(bounds.upperBound))
        switch distribution {
        case .uniform(let low, let high), .logUniform(let low, let high), .reverseLogUniform(let low, let high):
            return (lower ?? scale.position(of: low), upper ?? scale.position(of: high))
        case .normal(let mean, let deviation), .logNormal(let mean, let deviation):
            return (
                max(mean - 3 * deviation, lower ?? -.infinity), min(mean + 3 * deviation, upper ?? .infinity)
            )
        }
    }
}

extension Dimension.Integers {
    /// The ends of the axis on the scale: the bounds.
    fileprivate var modeledEnds: (low: Double, high: Double) {
        let scale = explorationScale
        func position(_ bound: Int, _ drawn: Int) -> Double {
            scale.position(of: Double(scale.contains(Double(bound)) ? bound : drawn))
        }
        return (position(bounds.lowerBound, range.lowerBound), position(bounds.upperBound, range.upperBound))
    }
}

/// A hyperparameter with categories: a boolean or an unordered choice.
struct PB2Category: Sendable {
    let name: String
    let values: [Value]

    /// Creates the categories of a hyperparameter; nil if it is of another kind, or has a single value.
    init?(_ name: String, _ dimension: Dimension) {
        self.name = name
        switch dimension.domain {
        case .boolean: values = [false, true]
        case .choice(let choice) where !choice.isOrdered && choice.values.count > 1: values = choice.values
        default: return nil
        }
    }

    /// Returns the place of a value in the list.
    func place(of value: Value) -> Int? {
        values.firstIndex { $0.isSame(as: value) }
    }
}
