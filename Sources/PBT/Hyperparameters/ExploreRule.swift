// SPDX-License-Identifier: Apache-2.0

/// A rule for changing hyperparameters after a member took over a donor's.
///
/// Source: Jaderberg et al. 2017, section 4.1.1, "perturb" and "resample". Unlike there, bounds are never
/// exceeded, an integer moves by at least 1, a value of 0 can move, and a choice is never multiplied.
public struct ExploreRule: Sendable, Hashable {
    /// The factor that a value is multiplied by.
    public enum Perturbation: Sendable, Hashable {
        /// One of these, each equally likely; all above 0.
        case factors([Double])
        /// A number drawn uniformly from `lower ..< upper` (Schedy's rule); 0 < lower ≤ upper.
        case uniform(Double, Double)
    }

    package enum Kind: Sendable, Hashable {
        case standard(Perturbation?, resample: Double)
        case ray(factors: [Double], resample: Double)
        case custom(String)
    }

    package var kind: Kind

    /// Multiplies each hyperparameter by a factor, or resamples it from its distribution.
    ///
    /// - Parameters:
    ///   - factors: The factors, each equally likely; above 0. The default has no drift: 0.8 × 1.25 = 1.
    ///   - resampling: The probability, for each hyperparameter, of resampling it instead; 0 to 1.
    /// - Returns: The rule.
    public static func perturb(by factors: [Double] = [0.8, 1.25], resampling: Double = 0) -> Self {
        Self(kind: .standard(.factors(factors), resample: resampling))
    }

    /// Multiplies each hyperparameter by a factor drawn from a range, or resamples it.
    ///
    /// - Parameters:
    ///   - lower: The least factor; above 0.
    ///   - upper: The greatest factor; exclusive.
    ///   - resampling: The probability, for each hyperparameter, of resampling it instead; 0 to 1.
    /// - Returns: The rule.
    public static func perturb(from lower: Double, to upper: Double, resampling: Double = 0) -> Self {
        Self(kind: .standard(.uniform(lower, upper), resample: resampling))
    }

    /// Resamples every hyperparameter.
    public static var resample: Self {
        Self(kind: .standard(nil, resample: 1))
    }

    /// Changes nothing: the donor's hyperparameters are copied.
    public static var none: Self {
        Self(kind: .standard(nil, resample: 0))
    }

    /// The rule of Ray Tune 2.60, for users who migrate: numbers leave their ranges, integers 1 and 2 are stuck.
    ///
    /// - Parameters:
    ///   - factors: `perturbation_factors`.
    ///   - resampling: `resample_probability`.
    /// - Returns: The rule.
    public static func ray(factors: [Double] = [1.2, 0.8], resampling: Double = 0.25) -> Self {
        Self(kind: .ray(factors: factors, resample: resampling))
    }

    /// A strategy written in Swift, which the store must know by this name; see ``Strategies``.
    public static func custom(_ name: String) -> Self {
        Self(kind: .custom(name))
    }
}

extension ExploreRule {
    /// True if values may leave their ranges.
    var ignoresBounds: Bool {
        if case .ray = kind { true } else { false }
    }
}
