// SPDX-License-Identifier: Apache-2.0

/// A rule for changing hyperparameters after a member took over a donor's.
///
/// Source: Jaderberg et al. 2017, section 4.1.1, "perturb" and "resample". Unlike there, bounds are never
/// exceeded, an integer moves by at least 1, a value of 0 can move, and a choice is never multiplied.
public struct ExploreRule: Sendable, Hashable {
    /// A change of a number: a factor, or a step relative to the range.
    public enum Perturbation: Sendable, Hashable {
        /// One of these, each equally likely; all above 0.
        case factors([Double])
        /// A number drawn uniformly from `lower ..< upper` (Schedy's rule); 0 < lower ≤ upper.
        case uniform(Double, Double)
        /// A step up or down by one of these shares of the range, each equally likely; above 0, at most 1.
        case steps([Double])
        /// A step up or down by a share of the range drawn uniformly from `lower ..< upper`; 0 < lower ≤ upper ≤ 1.
        case uniformSteps(Double, Double)
        /// A step by a share of the range drawn from a normal distribution with mean 0 and this standard deviation;
        /// above 0, at most 1.
        case normalSteps(Double)
    }

    package enum Kind: Sendable, Hashable {
        case standard(Perturbation?, resample: Double)
        case ray(factors: [Double], resample: Double)
        case pb2(PB2)
        case custom(String)
    }

    package var kind: Kind

    /// The probability that a category, a boolean or an unordered choice, keeps the donor's value where a number would
    /// be perturbed.
    package var keptCategories = 0.0

    /// The step for numbers whose range is narrow for the factors, as a share of the range; nil to multiply those, too.
    package var narrowStep: Double?

    package init(kind: Kind) {
        self.kind = kind
    }

    /// True for ``default``.
    package var isDefault = false

    /// The rule of an experiment that names none: factors of 0.8 and 1.25, unless the exploit rule has its own.
    public static var `default`: Self {
        var rule = perturb()
        rule.isDefault = true
        return rule
    }

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

    /// Moves each hyperparameter up or down by a share of its range, or resamples it.
    ///
    /// The share refers to the range that founders are drawn from, on its scale: for a range of 0.0001 to 1 that is
    /// drawn uniformly in the logarithm, 0.1 is a factor of 2.5. An integer, a value on a grid, and an ordered choice
    /// move by at least one place.
    ///
    /// Source: Ho et al. 2019, "Population Based Augmentation" (arXiv 1905.05393), which moves by up to 3 of 10 places.
    ///
    /// - Parameters:
    ///   - sizes: The shares, each equally likely; above 0, at most 1.
    ///   - resampling: The probability, for each hyperparameter, of resampling it instead; 0 to 1.
    /// - Returns: The rule.
    public static func step(by sizes: [Double] = [0.1], resampling: Double = 0) -> Self {
        Self(kind: .standard(.steps(sizes), resample: resampling))
    }

    /// Moves each hyperparameter up or down by a share of its range that is drawn, or resamples it.
    ///
    /// - Parameters:
    ///   - lower: The least share; above 0.
    ///   - upper: The greatest share; exclusive, at most 1.
    ///   - resampling: The probability, for each hyperparameter, of resampling it instead; 0 to 1.
    /// - Returns: The rule.
    public static func step(from lower: Double, to upper: Double, resampling: Double = 0) -> Self {
        Self(kind: .standard(.uniformSteps(lower, upper), resample: resampling))
    }

    /// Adds normally distributed noise to each hyperparameter, or resamples it.
    ///
    /// The noise is a share of the range, on its scale, as in ``step(by:resampling:)``: with a range of 0 to 1 that is
    /// drawn uniformly, 0.1 adds noise with a standard deviation of 0.1. The result is clipped to the bounds.
    ///
    /// - Parameters:
    ///   - deviation: The standard deviation of the share; above 0, at most 1.
    ///   - resampling: The probability, for each hyperparameter, of resampling it instead; 0 to 1.
    /// - Returns: The rule.
    public static func step(deviation: Double, resampling: Double = 0) -> Self {
        Self(kind: .standard(.normalSteps(deviation), resample: resampling))
    }

    /// Returns the rule with a probability of keeping categories.
    ///
    /// - Parameter probability: The probability that a boolean or an unordered choice keeps the donor's value where a
    ///   number would be perturbed; otherwise it is resampled. 0 to 1; 0 by default.
    /// - Returns: The rule.
    public func keepingCategories(_ probability: Double) -> Self {
        var copy = self
        copy.keptCategories = probability
        return copy
    }

    /// Returns the rule with a step for numbers whose range is narrow.
    ///
    /// A range is narrow if its ends are closer than the greatest factor is to the least: 0.5 to 0.99 for factors of 0.5
    /// and 2, most of which would lead to an end.
    ///
    /// - Parameter share: The share of the range by which such a number moves up or down; above 0, at most 1.
    /// - Returns: The rule.
    public func steppingWhereNarrow(by share: Double = 0.1) -> Self {
        var copy = self
        copy.narrowStep = share
        return copy
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

    /// Chooses numbers and ordered choices by a model of all finished intervals; see ``PB2``.
    ///
    /// Needs decisions that compare members at the same index: ``Experiment/Decides/certain``, or a synchronous
    /// experiment. Until two generations have finished there is nothing to learn from, and it perturbs by 0.8 or 1.25.
    /// A category keeps the donor's value with the probability of ``keepingCategories(_:)``, by default a half, and is
    /// resampled otherwise (PB2-Rand; Parker-Holder et al. 2021, arXiv 2106.15883). Free hyperparameters are perturbed.
    ///
    /// - Parameter settings: The settings.
    /// - Returns: The rule.
    public static func pb2(_ settings: PB2 = PB2()) -> Self {
        var settings = settings
        settings.mixesCategories = false
        return Self(kind: .pb2(settings)).keepingCategories(0.5)
    }

    /// Chooses as ``pb2(_:)``, but draws categories by what they gained, and numbers by a model of both.
    ///
    /// Source: Parker-Holder et al. 2021, "Tuning Mixed Input Hyperparameters on the Fly for Efficient Population Based
    /// AutoRL" (arXiv 2106.15883), PB2-Mix. Unlike its code, the model is asked at the drawn categories, not at the
    /// donor's.
    ///
    /// - Parameter settings: The settings.
    /// - Returns: The rule.
    public static func pb2Mix(_ settings: PB2 = PB2()) -> Self {
        var settings = settings
        settings.mixesCategories = true
        return Self(kind: .pb2(settings)).keepingCategories(0.5)
    }

    /// A strategy written in Swift, which the store must know by this name; see ``Strategies``.
    public static func custom(_ name: String) -> Self {
        Self(kind: .custom(name))
    }
}

extension ExploreRule {
    /// True if it learns from finished intervals.
    package var learnsFromHistory: Bool {
        if case .pb2 = kind { true } else { false }
    }

    /// True if values may leave their ranges.
    var ignoresBounds: Bool {
        if case .ray = kind { true } else { false }
    }
}
