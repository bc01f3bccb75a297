// SPDX-License-Identifier: Apache-2.0

/// One hyperparameter of a search space: what founders draw it from, what it may ever be, and how it is explored.
public struct Dimension: Sendable, Hashable {
    /// What kind of values it takes.
    package enum Domain: Sendable, Hashable {
        case real(Real)
        case integer(Integers)
        case choice(Choice)
        case boolean
        case constant(Value)
        /// Any JSON value; founders draw from a distribution, or have none.
        indirect case free(Domain?)
    }

    /// Numbers with a fraction.
    package struct Real: Sendable, Hashable {
        package enum Distribution: Sendable, Hashable {
            /// Uniform between the two.
            case uniform(Double, Double)
            /// Uniform in the logarithm between the two, both above 0.
            case logUniform(Double, Double)
            /// Normal with mean and standard deviation.
            case normal(Double, Double)
            /// The exponential of a normal with this mean and standard deviation (of the logarithm).
            case logNormal(Double, Double)
        }
        package var distribution: Distribution
        /// The least and greatest value it may ever take.
        package var bounds: ClosedRange<Double>
        /// The step of the grid of values, which starts at the lower bound (or at 0 without one); none: no grid.
        package var quantum: Double?
    }

    /// Whole numbers, drawn uniformly or uniformly in the logarithm.
    package struct Integers: Sendable, Hashable {
        package var range: ClosedRange<Int>
        package var bounds: ClosedRange<Int>
        package var isLogarithmic: Bool
    }

    /// One of several values of any kind.
    package struct Choice: Sendable, Hashable {
        package var values: [Value]
        /// How likely each is, relative to the others; none: all alike.
        package var weights: [Double]?
        /// Whether neighbors in the list are near each other, so that exploring moves to a neighbor.
        package var isOrdered: Bool
    }

    package var domain: Domain
    /// Whether explore may change it.
    ///
    /// Not for what shapes the weights: that follows the donor.
    public var isMutable: Bool = true
    /// How this one is explored; none: as the experiment says.
    public var explore: ExploreRule?

    package init(_ domain: Domain) {
        self.domain = domain
    }

    /// A number drawn uniformly between two bounds.
    ///
    /// - Parameters:
    ///   - range: What founders draw from; finite.
    ///   - bounds: What it may ever become; the range when not given.
    ///   - quantum: The step of the grid of values; none: any number.
    /// - Returns: The hyperparameter.
    public static func uniform(
        _ range: ClosedRange<Double>, bounds: ClosedRange<Double>? = nil, quantum: Double? = nil
    ) -> Self {
        Self(
            .real(
                Real(
                    distribution: .uniform(range.lowerBound, range.upperBound), bounds: bounds ?? range,
                    quantum: quantum)))
    }

    /// A number whose logarithm is drawn uniformly; both bounds above 0.
    ///
    /// For learning rates and the like.
    ///
    /// - Parameters:
    ///   - range: What founders draw from.
    ///   - bounds: What it may ever become; the range when not given.
    ///   - quantum: The step of the grid of values; none: any number.
    /// - Returns: The hyperparameter.
    public static func logUniform(
        _ range: ClosedRange<Double>, bounds: ClosedRange<Double>? = nil, quantum: Double? = nil
    ) -> Self {
        Self(
            .real(
                Real(
                    distribution: .logUniform(range.lowerBound, range.upperBound), bounds: bounds ?? range,
                    quantum: quantum)))
    }

    /// A number drawn from a normal distribution, and cut to the bounds.
    ///
    /// - Parameters:
    ///   - mean: The distribution's mean.
    ///   - deviation: Its standard deviation, above 0.
    ///   - bounds: What it may ever become; anything finite when not given.
    ///   - quantum: The step of the grid of values; none: any number.
    /// - Returns: The hyperparameter.
    public static func normal(
        mean: Double, deviation: Double, bounds: ClosedRange<Double>? = nil, quantum: Double? = nil
    ) -> Self {
        Self(
            .real(
                Real(
                    distribution: .normal(mean, deviation),
                    bounds: bounds ?? -.greatestFiniteMagnitude ... .greatestFiniteMagnitude,
                    quantum: quantum)))
    }

    /// A number whose natural logarithm is drawn from a normal distribution, and cut to the bounds.
    ///
    /// - Parameters:
    ///   - mean: The mean of the logarithm.
    ///   - deviation: The standard deviation of the logarithm, above 0.
    ///   - bounds: What it may ever become; any positive number when not given.
    ///   - quantum: The step of the grid of values; none: any number.
    /// - Returns: The hyperparameter.
    public static func logNormal(
        mean: Double, deviation: Double, bounds: ClosedRange<Double>? = nil, quantum: Double? = nil
    ) -> Self {
        Self(
            .real(
                Real(
                    distribution: .logNormal(mean, deviation),
                    bounds: bounds ?? .leastNormalMagnitude ... .greatestFiniteMagnitude, quantum: quantum)))
    }

    /// A whole number, each equally likely.
    ///
    /// - Parameters:
    ///   - range: What founders draw from.
    ///   - bounds: What it may ever become; the range when not given.
    /// - Returns: The hyperparameter.
    public static func integer(_ range: ClosedRange<Int>, bounds: ClosedRange<Int>? = nil) -> Self {
        Self(.integer(Integers(range: range, bounds: bounds ?? range, isLogarithmic: false)))
    }

    /// A whole number whose logarithm is drawn uniformly; the range starts at 1 or above.
    ///
    /// - Parameters:
    ///   - range: What founders draw from.
    ///   - bounds: What it may ever become; the range when not given.
    /// - Returns: The hyperparameter.
    public static func logInteger(_ range: ClosedRange<Int>, bounds: ClosedRange<Int>? = nil) -> Self {
        Self(.integer(Integers(range: range, bounds: bounds ?? range, isLogarithmic: true)))
    }

    /// One of several values of any kind.
    ///
    /// - Parameters:
    ///   - values: The values; at least one, none twice.
    ///   - weights: How likely each is; all alike when not given.
    ///   - ordered: Whether exploring moves to a neighbor in the list, instead of drawing again.
    /// - Returns: The hyperparameter.
    public static func choice(_ values: [Value], weights: [Double]? = nil, ordered: Bool = false) -> Self {
        Self(.choice(Choice(values: values, weights: weights, isOrdered: ordered)))
    }

    /// `true` or `false`, equally likely.
    public static var boolean: Self {
        Self(.boolean)
    }

    /// Always this value.
    public static func constant(_ value: Value) -> Self {
        Self(.constant(value))
    }

    /// Any JSON value: founders draw from a distribution, and whatever comes later is legal.
    ///
    /// Explore multiplies a number and keeps anything else; there are no bounds.
    ///
    /// - Parameter drawn: What founders draw from; none: founders have no value of that name.
    /// - Returns: The hyperparameter.
    public static func free(_ drawn: Dimension? = nil) -> Self {
        if case .free? = drawn?.domain { preconditionFailure("a free hyperparameter holds a distribution") }
        return Self(.free(drawn?.domain))
    }

    /// Whether founders have a value for it.
    package var isSampled: Bool {
        if case .free(nil) = domain { false } else { true }
    }

    /// Whether any JSON value is legal.
    package var isFree: Bool {
        if case .free = domain { true } else { false }
    }

    /// The same hyperparameter, but never explored: it follows the donor.
    ///
    /// For structure, such as a number of layers.
    public func immutable() -> Self {
        var copy = self
        copy.isMutable = false
        return copy
    }

    /// The same hyperparameter, explored by a rule of its own.
    public func explored(by rule: ExploreRule) -> Self {
        var copy = self
        copy.explore = rule
        return copy
    }

    /// Whether it is best drawn on a logarithmic axis.
    public var isLogarithmic: Bool {
        switch domain {
        case .real(let real):
            switch real.distribution {
            case .logUniform, .logNormal: true
            default: false
            }
        case .integer(let integers): integers.isLogarithmic
        case .free(let drawn?): Dimension(drawn).isLogarithmic
        default: false
        }
    }

    /// The least and greatest number it may be, when it is a number with two bounds.
    public var numericBounds: ClosedRange<Double>? {
        switch domain {
        case .real(let real):
            switch real.distribution {
            case .uniform, .logUniform: real.bounds
            case .normal where real.bounds.upperBound < .greatestFiniteMagnitude: real.bounds
            case .logNormal where real.bounds.upperBound < .greatestFiniteMagnitude: real.bounds
            default: nil
            }
        case .integer(let integers): Double(integers.bounds.lowerBound)...Double(integers.bounds.upperBound)
        default: nil
        }
    }
}

extension Dimension.Real {
    /// Cuts to the bounds and moves to the nearest point of the grid that lies within them.
    package func legal(_ number: Double) -> Double {
        // NaN is what the product of 0 and an overflow is.
        let cut = number.isNaN ? bounds.lowerBound : min(max(number, bounds.lowerBound), bounds.upperBound)
        guard let quantum else { return cut }
        let origin = bounds.lowerBound.magnitude < 1e300 ? bounds.lowerBound : 0
        // As a decimal number before it is compared: -0.3 and six times 0.1 is more than 0.3.
        let snapped = Self.decimal(origin + ((cut - origin) / quantum).rounded() * quantum, quantum, origin)
        // A grid finer than numbers tell apart is none.
        guard snapped.isFinite else { return cut }
        let legal =
            snapped > bounds.upperBound ? Self.decimal(snapped - quantum, quantum, origin) : snapped
        return max(legal, bounds.lowerBound)
    }

    /// The number with as many decimal places as the step and the origin of its grid: 0.3 rather than
    /// 0.30000000000000004, the sum of three times 0.1.
    private static func decimal(_ number: Double, _ quantum: Double, _ origin: Double) -> Double {
        guard let places = [quantum, origin].map(decimalPlaces).max(), places <= 15 else { return number }
        let scale = Mathematics.power(10, places)
        let scaled = (number * scale).rounded()
        guard scaled.magnitude < 0x1p53 else { return number }
        let decimal = scaled / scale + 0  // Never -0.
        return (decimal - number).magnitude <= 1e-9 * quantum ? decimal : number
    }

    /// How many digits the shortest decimal form of a number has after the point; many for what has none.
    private static func decimalPlaces(_ number: Double) -> Int {
        let parts = number.description.split(separator: "e")
        let fraction = parts[0].split(separator: ".").dropFirst().first.map { $0 == "0" ? 0 : $0.count } ?? 0
        guard parts.count == 2 else { return fraction }
        return Int(parts[1]).map { max(0, fraction - $0) } ?? .max
    }

    /// How far a value of 0 moves for a factor of 2: nothing can be multiplied away from 0.
    package var scale: Double {
        switch distribution {
        case .uniform(let low, let high), .logUniform(let low, let high): 0.5 * high - 0.5 * low
        case .normal(_, let deviation), .logNormal(_, let deviation): deviation
        }
    }
}
