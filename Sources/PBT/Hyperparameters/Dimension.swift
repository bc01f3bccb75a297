// SPDX-License-Identifier: Apache-2.0

/// A hyperparameter of a search space: its distribution, its bounds, and its exploration.
public struct Dimension: Sendable, Hashable {
    /// The domain of its values.
    package enum Domain: Sendable, Hashable {
        case real(Real)
        case integer(Integers)
        case choice(Choice)
        case boolean
        case constant(Value)
        /// Any JSON value; founders draw from a distribution if there is one.
        indirect case free(Domain?)
    }

    /// Real numbers.
    package struct Real: Sendable, Hashable {
        package enum Distribution: Sendable, Hashable {
            /// Uniform between two numbers.
            case uniform(Double, Double)
            /// Uniform in the logarithm between two numbers above 0.
            case logUniform(Double, Double)
            /// Uniform in log(1 - x) between two numbers below 1.
            case reverseLogUniform(Double, Double)
            /// Normal with mean and standard deviation.
            case normal(Double, Double)
            /// The exponential of a normal with this mean and standard deviation (of the logarithm).
            case logNormal(Double, Double)
        }
        package var distribution: Distribution
        /// The least and greatest legal value.
        package var bounds: ClosedRange<Double>
        /// The step of the grid of values, which starts at the lower bound (or at 0 without one); nil for no grid.
        package var quantum: Double?
    }

    /// Integers, drawn uniformly or uniformly in the logarithm.
    package struct Integers: Sendable, Hashable {
        package var range: ClosedRange<Int>
        package var bounds: ClosedRange<Int>
        package var isLogarithmic: Bool
        /// The step of the grid of values, which starts at the lower bound; 1 for all integers.
        package var quantum = 1
    }

    /// One of several values of any kind.
    package struct Choice: Sendable, Hashable {
        package var values: [Value]
        /// The relative weights of the values; nil for equal ones.
        package var weights: [Double]?
        /// True if the values are ordered, so that exploring moves to a neighbor.
        package var isOrdered: Bool
    }

    package var domain: Domain
    /// True if explore may change it.
    ///
    /// False for a hyperparameter that determines the shape of the weights, which must equal the donor's.
    public var isMutable: Bool = true
    /// The rule that explores it; nil for the experiment's.
    public var explore: ExploreRule?
    /// The condition under which it applies; nil for always.
    public var condition: Condition?
    /// The number of elements of an array; nil for a single value.
    ///
    /// A search space has the elements instead.
    package var length: Int?

    package init(_ domain: Domain) {
        self.domain = domain
    }

    /// A number drawn uniformly between two bounds.
    ///
    /// - Parameters:
    ///   - range: The range that founders draw from; finite.
    ///   - bounds: The legal values; the range by default.
    ///   - quantum: The step of the grid of values; nil for no grid.
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
    /// For learning rates and other scale parameters.
    ///
    /// - Parameters:
    ///   - range: The range that founders draw from.
    ///   - bounds: The legal values; the range by default.
    ///   - quantum: The step of the grid of values; nil for no grid.
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

    /// A number x for which log(1 - x) is drawn uniformly; both bounds below 1.
    ///
    /// For discount factors, momentum, betas of Adam, and decay rates of averages, whose distance to 1 is what matters.
    /// Explore multiplies that distance.
    ///
    /// - Parameters:
    ///   - range: The range that founders draw from; below 1.
    ///   - bounds: The legal values; the range by default.
    ///   - quantum: The step of the grid of values; nil for no grid.
    /// - Returns: The hyperparameter.
    public static func reverseLogUniform(
        _ range: ClosedRange<Double>, bounds: ClosedRange<Double>? = nil, quantum: Double? = nil
    ) -> Self {
        Self(
            .real(
                Real(
                    distribution: .reverseLogUniform(range.lowerBound, range.upperBound), bounds: bounds ?? range,
                    quantum: quantum)))
    }

    /// A number drawn from a normal distribution, and clipped to the bounds.
    ///
    /// - Parameters:
    ///   - mean: The distribution's mean.
    ///   - deviation: Its standard deviation, above 0.
    ///   - bounds: The legal values; all finite numbers by default.
    ///   - quantum: The step of the grid of values; nil for no grid.
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

    /// A number whose natural logarithm is drawn from a normal distribution, and clipped to the bounds.
    ///
    /// - Parameters:
    ///   - mean: The mean of the logarithm.
    ///   - deviation: The standard deviation of the logarithm, above 0.
    ///   - bounds: The legal values; all positive numbers by default.
    ///   - quantum: The step of the grid of values; nil for no grid.
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

    /// An integer, each equally likely.
    ///
    /// - Parameters:
    ///   - range: The range that founders draw from.
    ///   - bounds: The legal values; the range by default.
    ///   - quantum: The step of the grid of values, which starts at the lower bound; at least 1.
    /// - Returns: The hyperparameter.
    public static func integer(
        _ range: ClosedRange<Int>, bounds: ClosedRange<Int>? = nil, quantum: Int = 1
    ) -> Self {
        precondition(quantum >= 1, "the step of a grid of integers is at least 1")
        return Self(
            .integer(Integers(range: range, bounds: bounds ?? range, isLogarithmic: false, quantum: quantum)))
    }

    /// An integer whose logarithm is drawn uniformly; the range starts at 1 or above.
    ///
    /// - Parameters:
    ///   - range: The range that founders draw from.
    ///   - bounds: The legal values; the range by default.
    ///   - quantum: The step of the grid of values, which starts at the lower bound; at least 1.
    /// - Returns: The hyperparameter.
    public static func logInteger(
        _ range: ClosedRange<Int>, bounds: ClosedRange<Int>? = nil, quantum: Int = 1
    ) -> Self {
        precondition(quantum >= 1, "the step of a grid of integers is at least 1")
        return Self(
            .integer(Integers(range: range, bounds: bounds ?? range, isLogarithmic: true, quantum: quantum)))
    }

    /// One of several values of any kind.
    ///
    /// - Parameters:
    ///   - values: The values; at least one, without duplicates.
    ///   - weights: The relative weights of the values; equal by default.
    ///   - ordered: Pass true if exploring moves to a neighbor in the list, instead of resampling.
    /// - Returns: The hyperparameter.
    public static func choice(_ values: [Value], weights: [Double]? = nil, ordered: Bool = false) -> Self {
        Self(.choice(Choice(values: values, weights: weights, isOrdered: ordered)))
    }

    /// `true` or `false`, equally likely.
    public static var boolean: Self {
        Self(.boolean)
    }

    /// A constant.
    public static func constant(_ value: Value) -> Self {
        Self(.constant(value))
    }

    /// Any JSON value: founders draw from a distribution, and any later value is legal.
    ///
    /// Explore multiplies numbers and keeps other values; there are no bounds.
    ///
    /// - Parameter drawn: The distribution of founders; nil if founders have no value of that name.
    /// - Returns: The hyperparameter.
    public static func free(_ drawn: Dimension? = nil) -> Self {
        if case .free? = drawn?.domain { preconditionFailure("a free hyperparameter contains a distribution") }
        return Self(.free(drawn?.domain))
    }

    /// True if founders have a value for it.
    package var isSampled: Bool {
        if case .free(nil) = domain { false } else { true }
    }

    /// True if any JSON value is legal.
    package var isFree: Bool {
        if case .free = domain { true } else { false }
    }

    /// Returns the hyperparameter as an immutable one: it is copied from the donor and not explored.
    ///
    /// For structure, such as a number of layers.
    public func immutable() -> Self {
        var copy = self
        copy.isMutable = false
        return copy
    }

    /// Returns the hyperparameter with an exploration rule of its own.
    public func explored(by rule: ExploreRule) -> Self {
        var copy = self
        copy.explore = rule
        return copy
    }

    /// True if a logarithmic axis suits it best.
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

    /// The least and greatest legal number, if it is a number with two bounds.
    public var numericBounds: ClosedRange<Double>? {
        switch domain {
        case .real(let real):
            switch real.distribution {
            case .uniform, .logUniform, .reverseLogUniform: real.bounds
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
    /// The distance that a value of 0 moves for a factor of 2, since multiplication cannot move it.
    package var scale: Double {
        switch distribution {
        case .uniform(let low, let high), .logUniform(let low, let high), .reverseLogUniform(let low, let high):
            0.5 * high - 0.5 * low
        case .normal(_, let deviation), .logNormal(_, let deviation): deviation
        }
    }
}
