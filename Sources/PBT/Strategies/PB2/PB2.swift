// SPDX-License-Identifier: Apache-2.0

/// The settings of population based bandits: explore by what a model of all finished intervals expects to gain most.
///
/// A Gaussian process learns the gain of an interval, its score less that of its parent, from its hyperparameters, its
/// index, and the score before it. Source: Parker-Holder et al. 2020, "Provably Efficient Online Hyperparameter
/// Optimization with Population-Based Bandits" (arXiv 2002.02518). Unlike its code: hyperparameters on the scale of
/// their distribution, time in intervals, learned noise, and duplicate rows allowed.
public struct PB2: Sendable, Hashable {
    /// The factor by which uncertainty attracts, κ.
    public enum Kappa: Sendable, Hashable {
        /// The root of β = 0.2·ln(0.4·n) for n rows, 0 if that is negative: the form of the analysis of time-varying
        /// bandits (Bogunovic et al. 2016) with the constants of the authors' code.
        case original
        /// The root of β = 0.2 + max(0, ln(0.4·n)), two to three times as much: as in Ray Tune 2.60.
        case ray
        /// A constant; at least 0. With 0 only the expected gain counts.
        case constant(Double)

        /// Returns the value for a number of rows.
        package func value(rows: Int) -> Double {
            beta(rows: rows).squareRoot()
        }

        /// Returns the square of the value for a number of rows.
        package func beta(rows: Int) -> Double {
            let logarithm = Mathematics.log(0.4 * Double(max(rows, 1)))
            return switch self {
            case .original: max(0, 0.2 * logarithm)
            case .ray: 0.2 + max(0, logarithm)
            case .constant(let kappa): kappa * kappa
            }
        }
    }

    /// The measure of uncertainty that is multiplied by κ.
    public enum Spread: String, Sendable, Hashable, CaseIterable {
        /// The standard deviation, as in the paper's analysis.
        case deviation
        /// The variance, as in the authors' code and in Ray Tune.
        case variance
    }

    /// The factor by which uncertainty attracts.
    public var kappa: Kappa
    /// The measure of uncertainty.
    public var spread: Spread
    /// The number of last intervals that the model learns from; 10 to 1000.
    public var rows: Int
    /// True if the model includes categories, which a bandit draws: PB2-Mix.
    package var mixesCategories = false

    /// The legal numbers of rows.
    package static let legalRows = 10...1000
    /// The legal constants for κ.
    package static let legalKappa = 0.0...100

    /// Creates settings.
    ///
    /// - Parameters:
    ///   - kappa: The factor by which uncertainty attracts.
    ///   - spread: The measure of uncertainty.
    ///   - rows: The number of last intervals that the model learns from; 10 to 1000. With 1000 a decision takes about
    ///     45 ms of CPU.
    public init(kappa: Kappa = .original, spread: Spread = .deviation, rows: Int = 1000) {
        self.kappa = kappa
        self.spread = spread
        self.rows = rows
    }
}

/// The expectations of a model for the hyperparameters that it chose.
public struct Prediction: Sendable, Hashable {
    /// The expected gain of the next interval over the donor's score, in the objective's unit; positive is better,
    /// whatever the direction of the objective.
    public var gain: Double
    /// Its standard deviation, without the noise of a single observation.
    public var deviation: Double
    /// The number of intervals that the model learned from.
    public var rows: Int

    /// The prediction as a JSON object with the keys `gain`, `deviation`, and `rows`.
    public var value: Value {
        ["gain": .number(gain), "deviation": .number(deviation), "rows": .integer(rows)]
    }

    /// Decodes a prediction from ``value``; nil if it is not one.
    package init?(value: Value) {
        guard let gain = value["gain"]?.double, let deviation = value["deviation"]?.double,
            let rows = value["rows"]?.int
        else { return nil }
        self.init(gain: gain, deviation: deviation, rows: rows)
    }

    init(gain: Double, deviation: Double, rows: Int) {
        self.gain = gain
        self.deviation = deviation
        self.rows = rows
    }
}
