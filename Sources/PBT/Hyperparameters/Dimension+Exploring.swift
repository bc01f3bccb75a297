// SPDX-License-Identifier: Apache-2.0

/// The result of exploring a hyperparameter.
package struct Exploration: Sendable, Hashable {
    /// The new value.
    package var value: Value
    /// The operation in a few characters; see ``Change/operation``.
    package var operation: String
    /// True if the operation would have left the bounds.
    package var isClipped: Bool

    init(_ value: Value, _ operation: String, isClipped: Bool = false) {
        self.value = value
        self.operation = operation
        self.isClipped = isClipped
    }

    static func kept(_ value: Value) -> Self {
        Self(value, "kept")
    }
}

extension Dimension {
    /// Returns the value that a rule derives from a donor's, and the operation.
    ///
    /// - Parameters:
    ///   - donor: The donor's value.
    ///   - rule: The rule; a custom one keeps the value.
    ///   - random: The stream of this hyperparameter and interval.
    /// - Returns: The value, and the operation.
    package func explored(
        from donor: Value, by rule: ExploreRule, using random: inout RandomStream
    ) -> Exploration {
        guard isMutable else { return .kept(donor) }
        if case .constant = domain { return .kept(donor) }
        switch rule.kind {
        case .custom:
            return .kept(donor)
        case .ray(let factors, let resample):
            return rayExplored(from: donor, factors: factors, resample: resample, using: &random)
        case .pb2:
            // Without a suggestion of its model.
            return perturbed(donor, by: ExploreRule.Perturbation.factors([0.8, 1.25]).move(using: &random))
                ?? resampled(donor, keeping: rule.keptCategories, using: &random)
        case .standard(let perturbation, let resample):
            if random.unit() < resample, isSampled { return Exploration(sample(using: &random), "resampled") }
            guard let perturbation = narrowed(perturbation, of: rule) else { return .kept(donor) }
            return perturbed(donor, by: perturbation.move(using: &random))
                ?? resampled(donor, keeping: rule.keptCategories, using: &random)
        }
    }

    /// The share of a range from which a factor must lead beyond a bound to be unsuitable for it.
    static let mostClipped = 0.6

    /// Returns how a rule perturbs this hyperparameter: by a step instead of a factor if the range is narrow.
    func narrowed(
        _ perturbation: ExploreRule.Perturbation?, of rule: ExploreRule
    ) -> ExploreRule.Perturbation? {
        guard let step = rule.narrowStep, let factors = perturbation?.extremeFactors,
            factors.contains(where: { clippedShare(of: $0) > Self.mostClipped })
        else { return perturbation }
        return .steps([step])
    }

    /// Returns the share of the range between the bounds that a factor moves beyond them; 0 for what has negative
    /// numbers or no range.
    private func clippedShare(of factor: Double) -> Double {
        var (lower, upper): (Double, Double)
        let scale: Scale
        switch domain {
        case .real(let real):
            (lower, upper) = (real.bounds.lowerBound, real.bounds.upperBound)
            scale = real.explorationScale
            // The factor applies to the distance from 1.
            if scale == .reverseLogarithmic { (lower, upper) = (1 - upper, 1 - lower) }
        case .integer(let integers):
            (lower, upper) = (Double(integers.bounds.lowerBound), Double(integers.bounds.upperBound))
            scale = integers.explorationScale
        case .choice, .boolean, .constant, .free: return 0
        }
        guard lower >= 0, lower < upper, upper < .infinity else { return 0 }
        let end = factor > 1 ? upper / factor : lower / factor
        func position(_ number: Double) -> Double { scale == .linear ? number : Mathematics.log(number) }
        let (low, high) = (position(lower), position(upper))
        let share = factor > 1 ? high - position(end) : position(end) - low
        return share / (high - low)
    }

    /// Returns the value after a move; nil for one that has no order, such as a category.
    func perturbed(_ donor: Value, by move: Move) -> Exploration? {
        switch domain {
        case .real(let real):
            guard let old = donor.double else { return nil }
            return real.moved(from: old, by: move)
        case .integer(let integers):
            guard let old = donor.int else { return nil }
            return integers.moved(from: old, by: move)
        case .choice(let choice) where choice.isOrdered:
            guard let place = choice.values.firstIndex(where: { $0.isSame(as: donor) }) else { return nil }
            let last = choice.values.count - 1
            let distance =
                switch move {
                case .factor(1): 0
                case .factor(let factor): factor > 1 ? 1 : -1
                case .step(let step): Int(saturating: Move.atLeastOne(step * Double(last)).rounded())
                }
            guard distance != 0 else { return .kept(donor) }
            let new = min(max(place + distance, 0), last)
            return Exploration(
                choice.values[new], distance > 0 ? "+\(distance)" : "\(distance)",
                isClipped: new != place + distance)
        case .free(let drawn):
            guard let old = donor.double else { return .kept(donor) }
            return Self.freelyMoved(from: old, drawn: drawn, by: move)
        case .choice, .boolean, .constant:
            return nil
        }
    }

    /// Returns a number without bounds after a move; a step needs a distribution that gives it a scale.
    private static func freelyMoved(from old: Double, drawn: Domain?, by move: Move) -> Exploration {
        let moved: Double
        switch (move, drawn) {
        case (.factor(let factor), _): moved = old * factor
        case (.step(let step), .real(let real)?) where real.explorationScale.contains(old):
            let scale = real.explorationScale
            moved = scale.number(at: scale.position(of: old) + step * real.width)
        case (.step(let step), .integer(let integers)?): moved = old + Move.atLeastOne(step * integers.width).rounded()
        case (.step, _): return .kept(.number(old))
        }
        let greatest = Double.greatestFiniteMagnitude
        return Exploration(.number(min(max(moved, -greatest), greatest)), move.label)
    }

    /// Resamples a value; a category keeps the donor's with a probability.
    private func resampled(
        _ donor: Value, keeping probability: Double, using random: inout RandomStream
    ) -> Exploration {
        // No draw without a probability, so that experiments from before there was one are derived as they were.
        if probability > 0, isCategory, random.unit() < probability { return .kept(donor) }
        return Exploration(sample(using: &random), "resampled")
    }

    /// True for a boolean and an unordered choice.
    private var isCategory: Bool {
        switch domain {
        case .boolean: true
        case .choice(let choice): !choice.isOrdered
        default: false
        }
    }

    /// A move of a number.
    package enum Move: Sendable, Hashable {
        /// A multiplication.
        case factor(Double)
        /// A step by a signed share of the range that founders draw from, on its scale.
        case step(Double)

        /// The operation in a few characters.
        var label: String {
            switch self {
            case .factor(let factor): "×\(factor.short)"
            case .step(let step): "\(step > 0 ? "+" : "")\((100 * step).short)% of range"
            }
        }

        /// True if the value grows, provided that it is positive.
        var isUpward: Bool {
            switch self {
            case .factor(let factor): factor > 1
            case .step(let step): step > 0
            }
        }

        /// Returns a distance of at least one place in the same direction.
        static func atLeastOne(_ distance: Double) -> Double {
            distance < 0 ? min(distance, -1) : max(distance, 1)
        }
    }
}

extension ExploreRule.Perturbation {
    /// The least and the greatest factor; none for steps.
    var extremeFactors: [Double] {
        switch self {
        case .factors(let factors): [factors.min(), factors.max()].compactMap { $0 }
        case .uniform(let lower, let upper): [lower, upper]
        case .steps, .uniformSteps, .normalSteps: []
        }
    }

    /// Draws a move.
    fileprivate func move(using random: inout RandomStream) -> Dimension.Move {
        func signed(_ size: Double) -> Dimension.Move {
            .step(random.index(below: 2) == 0 ? -size : size)
        }
        switch self {
        case .factors(let factors): return .factor(factors[random.index(below: factors.count)])
        case .uniform(let lower, let upper): return .factor(random.uniform(lower, upper))
        case .steps(let sizes): return signed(sizes[random.index(below: sizes.count)])
        case .uniformSteps(let lower, let upper): return signed(random.uniform(lower, upper))
        case .normalSteps(let deviation): return .step(deviation * random.normal())
        }
    }
}

extension Dimension.Real {
    /// Returns a number after a move, within the bounds and on the grid.
    fileprivate func moved(from old: Double, by move: Dimension.Move) -> Exploration {
        let moved: Double
        var label = move.label
        switch move {
        case .factor(let factor) where explorationScale == .reverseLogarithmic:
            moved = 1 - (1 - old) * factor
            label = "1-x \(label)"
        case .factor(let factor): moved = old == 0 ? (factor - 1) * 0.5 * scale : old * factor
        case .step(let step):
            // An edited experiment may have values outside of the scale.
            let from = explorationScale.contains(old) ? old : legal(old)
            moved = explorationScale.number(at: explorationScale.position(of: from) + step * width)
        }
        var new = legal(moved)
        var isClipped = isBeyondBounds(moved)
        if let quantum, new == old, move != .factor(1) {
            let neighbor = old + (moved > old ? quantum : -quantum)
            new = legal(neighbor)
            isClipped = isBeyondBounds(neighbor)
        }
        return Exploration(.number(new), label, isClipped: isClipped)
    }
}

extension Dimension.Integers {
    /// Returns an integer after a move of at least one step of the grid, within the bounds and on the grid.
    fileprivate func moved(from old: Int, by move: Dimension.Move) -> Exploration {
        let moved: Double
        switch move {
        case .factor(let factor): moved = Double(old) * factor
        case .step(let step):
            let from = explorationScale.contains(Double(old)) ? old : legal(Double(old))
            moved = explorationScale.number(at: explorationScale.position(of: Double(from)) + step * width)
        }
        var asked = nearestPoint(to: moved)
        if asked == old, move != .factor(1) { asked += goesUp(old, move) ? quantum : -quantum }
        let new = legal(asked)
        return Exploration(.integer(new), move.label, isClipped: new != asked)
    }

    private func goesUp(_ old: Int, _ move: Dimension.Move) -> Bool {
        if case .step = move { move.isUpward } else { move.isUpward == (old >= 0) }
    }
}

extension Dimension {
    /// Explores like `_explore` of Ray Tune 2.60: lists shift by one or are resampled, numbers are multiplied without
    /// regard to bounds, and integers are rounded half to even.
    private func rayExplored(
        from donor: Value, factors: [Double], resample: Double, using random: inout RandomStream
    ) -> Exploration {
        let resamples = random.unit() < resample
        if case .choice(let choice) = domain {
            guard !resamples, let place = choice.values.firstIndex(where: { $0.isSame(as: donor) }) else {
                return Exploration(choice.values[random.index(below: choice.values.count)], "resampled")
            }
            let left = random.index(below: 2) == 0
            return Exploration(
                choice.values[min(max(place + (left ? -1 : 1), 0), choice.values.count - 1)], left ? "-1" : "+1")
        }
        if resamples, isSampled { return Exploration(sample(using: &random), "resampled") }
        let factor = factors[random.index(below: factors.count)]
        switch donor {
        // Bounds are ignored, but the value stays within what the store can represent.
        case .integer(let integer):
            let product = (Double(integer) * factor).rounded(.toNearestOrEven)
            return Exploration(.integer(Int(min(max(product, -0x1p62), 0x1p62))), "×\(factor.short)")
        case .number(let number):
            let greatest = Double.greatestFiniteMagnitude
            return Exploration(.number(min(max(number * factor, -greatest), greatest)), "×\(factor.short)")
        default: return .kept(donor)
        }
    }
}

extension Dimension {
    /// Returns the legal value nearest to a proposed one; nil if there is none.
    package func nearestLegal(to value: Value) -> Value? {
        switch domain {
        case .real(let real):
            guard let number = value.double, !number.isNaN else { return nil }
            return .number(real.legal(number))
        case .integer(let integers):
            guard let number = value.double, !number.isNaN else { return nil }
            return .integer(integers.legal(number))
        case .choice, .boolean, .constant:
            // Not `? : nil`, whose nil would be JSON's null, as `Value` has such a literal.
            guard complaint(about: value) == nil else { return nil }
            return normalized(value)
        case .free: return value.finite
        }
    }
}
