// SPDX-License-Identifier: Apache-2.0

/// How hyperparameters change after a member took over a donor's.
///
/// Source: Jaderberg et al. 2017, section 4.1.1, "perturb" and "resample". Unlike there, bounds hold for ever, an
/// integer moves by at least 1, a value of 0 can move, and a choice is never multiplied.
public struct ExploreRule: Sendable, Hashable {
    /// What a value is multiplied by.
    public enum Perturbation: Sendable, Hashable {
        /// By one of these, each equally likely; all above 0.
        case factors([Double])
        /// By a number drawn uniformly from `lower ..< upper` (Schedy's rule); 0 < lower ≤ upper.
        case uniform(Double, Double)
    }

    package enum Kind: Sendable, Hashable {
        case standard(Perturbation?, resample: Double)
        case ray(factors: [Double], resample: Double)
        case custom(String)
    }

    package var kind: Kind

    /// Multiplies each hyperparameter by a factor, or draws it anew from its distribution.
    ///
    /// - Parameters:
    ///   - factors: The factors, each equally likely; above 0. The default has no drift: 0.8 × 1.25 = 1.
    ///   - resampling: The probability, for each hyperparameter, of drawing it anew instead; 0 to 1.
    /// - Returns: The rule.
    public static func perturb(by factors: [Double] = [0.8, 1.25], resampling: Double = 0) -> Self {
        Self(kind: .standard(.factors(factors), resample: resampling))
    }

    /// Multiplies each hyperparameter by a factor drawn from a range, or draws it anew.
    ///
    /// - Parameters:
    ///   - lower: The least factor; above 0.
    ///   - upper: The greatest factor, itself excluded.
    ///   - resampling: The probability, for each hyperparameter, of drawing it anew instead; 0 to 1.
    /// - Returns: The rule.
    public static func perturb(from lower: Double, to upper: Double, resampling: Double = 0) -> Self {
        Self(kind: .standard(.uniform(lower, upper), resample: resampling))
    }

    /// Draws every hyperparameter anew.
    public static var resample: Self {
        Self(kind: .standard(nil, resample: 1))
    }

    /// Changes nothing: the donor's hyperparameters are taken as they are.
    public static var none: Self {
        Self(kind: .standard(nil, resample: 0))
    }

    /// What Ray Tune 2.60 does, for those who come from there: numbers leave their ranges, integers 1 and 2 are stuck.
    ///
    /// - Parameters:
    ///   - factors: `perturbation_factors`.
    ///   - resampling: `resample_probability`.
    /// - Returns: The rule.
    public static func ray(factors: [Double] = [1.2, 0.8], resampling: Double = 0.25) -> Self {
        Self(kind: .ray(factors: factors, resample: resampling))
    }

    /// A strategy of that name, given to the store in Swift; see ``Strategies``.
    public static func custom(_ name: String) -> Self {
        Self(kind: .custom(name))
    }
}

/// What happened to one hyperparameter when a member took over a donor's.
public struct Change: Sendable, Hashable {
    /// The hyperparameter.
    public var name: String
    /// The donor's value.
    public var old: Value
    /// what was done, in a few characters: `×0.8`, `+1`, `resampled`, `kept`, `custom`; by hand: `pushed`, `removed`.
    public var operation: String
    /// The new value.
    public var new: Value

    /// A change.
    public init(name: String, old: Value, operation: String, new: Value) {
        self.name = name
        self.old = old
        self.operation = operation
        self.new = new
    }

    /// Whether it was made by hand after the hyperparameters were drawn or explored.
    package var isByHand: Bool {
        operation == "pushed" || isRemoval
    }

    /// Whether the hyperparameter was taken away by hand.
    package var isRemoval: Bool {
        operation == "removed"
    }

    /// The change as a JSON object with the keys `name`, `old`, `operation`, `new`.
    public var value: Value {
        ["name": .string(name), "old": old, "operation": .string(operation), "new": new]
    }

    /// Reads a change that ``value`` wrote.
    package init?(value: Value) {
        guard let name = value["name"]?.string, let old = value["old"], let new = value["new"],
            let operation = value["operation"]?.string
        else { return nil }
        self.init(name: name, old: old, operation: operation, new: new)
    }
}

extension Dimension {
    /// The value that follows a donor's under a rule, and what was done to get it.
    ///
    /// - Parameters:
    ///   - donor: The donor's value.
    ///   - rule: The rule; a custom one leaves the value as it is.
    ///   - random: The stream of this hyperparameter and interval.
    /// - Returns: The value, and what was done in a few characters.
    package func explored(
        from donor: Value, by rule: ExploreRule, using random: inout RandomStream
    ) -> (value: Value, operation: String) {
        guard isMutable else { return (donor, "kept") }
        if case .constant = domain { return (donor, "kept") }
        switch rule.kind {
        case .custom:
            return (donor, "kept")
        case .ray(let factors, let resample):
            return rayExplored(from: donor, factors: factors, resample: resample, using: &random)
        case .standard(let perturbation, let resample):
            if random.unit() < resample, isSampled { return (sample(using: &random), "resampled") }
            let factor: Double
            switch perturbation {
            case nil: return (donor, "kept")
            case .factors(let factors): factor = factors[random.index(below: factors.count)]
            case .uniform(let lower, let upper): factor = random.uniform(lower, upper)
            }
            return perturbed(donor, by: factor, using: &random)
        }
    }

    private func perturbed(
        _ donor: Value, by factor: Double, using random: inout RandomStream
    ) -> (value: Value, operation: String) {
        let label = "×\(factor.short)"
        switch domain {
        case .real(let real):
            guard let old = donor.double else { break }
            let moved = old == 0 ? (factor - 1) * 0.5 * real.scale : old * factor
            var new = real.legal(moved)
            if let quantum = real.quantum, new == old, factor != 1 {
                new = real.legal(old + (moved > old ? quantum : -quantum))
            }
            return (.number(new), label)
        case .integer(let integers):
            guard let old = donor.int else { break }
            let product = (Double(old) * factor).rounded()
            var new = Int(min(max(product, -0x1p62), 0x1p62))
            if new == old, factor != 1 {
                new += (factor > 1) == (old >= 0) ? 1 : -1
            }
            return (.integer(min(max(new, integers.bounds.lowerBound), integers.bounds.upperBound)), label)
        case .choice(let choice) where choice.isOrdered:
            guard let place = choice.values.firstIndex(where: { $0.isSame(as: donor) }) else { break }
            guard factor != 1 else { return (donor, "kept") }
            let new = min(max(place + (factor > 1 ? 1 : -1), 0), choice.values.count - 1)
            return (choice.values[new], factor > 1 ? "+1" : "-1")
        case .free:
            guard let old = donor.double else { return (donor, "kept") }
            let greatest = Double.greatestFiniteMagnitude
            return (.number(min(max(old * factor, -greatest), greatest)), label)
        case .choice, .boolean, .constant:
            break
        }
        // What cannot be multiplied is drawn anew.
        return (sample(using: &random), "resampled")
    }

    /// Ray Tune 2.60's `_explore` as it behaves, by type: lists shift by one or are drawn anew, numbers are multiplied
    /// without regard to bounds, integers rounded half to even.
    private func rayExplored(
        from donor: Value, factors: [Double], resample: Double, using random: inout RandomStream
    ) -> (value: Value, operation: String) {
        let resamples = random.unit() < resample
        if case .choice(let choice) = domain {
            guard !resamples, let place = choice.values.firstIndex(where: { $0.isSame(as: donor) }) else {
                return (choice.values[random.index(below: choice.values.count)], "resampled")
            }
            let left = random.index(below: 2) == 0
            return (choice.values[min(max(place + (left ? -1 : 1), 0), choice.values.count - 1)], left ? "-1" : "+1")
        }
        if resamples, isSampled { return (sample(using: &random), "resampled") }
        let factor = factors[random.index(below: factors.count)]
        switch donor {
        // Bounds mean nothing here, but a value stays one that the store can hold.
        case .integer(let integer):
            let product = (Double(integer) * factor).rounded(.toNearestOrEven)
            return (.integer(Int(min(max(product, -0x1p62), 0x1p62))), "×\(factor.short)")
        case .number(let number):
            let greatest = Double.greatestFiniteMagnitude
            return (.number(min(max(number * factor, -greatest), greatest)), "×\(factor.short)")
        default: return (donor, "kept")
        }
    }
}

extension Double {
    /// The number in at most four significant digits, for labels.
    package var short: String {
        guard isFinite, self != 0 else { return isFinite ? "0" : description }
        let magnitude = Int(Mathematics.log10(self.magnitude).rounded(.down))
        guard (-4...6).contains(magnitude) else { return Self.scientific(self) }
        let scale = Mathematics.power(10, 3 - magnitude)
        let rounded = (self * scale).rounded() / scale
        // Shortest form; the rounding above has left few digits.
        let text = rounded.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func scientific(_ number: Double) -> String {
        var exponent = Int(Mathematics.log10(number.magnitude).rounded(.down))
        var mantissa = number
        // By steps that cannot overflow for the smallest and greatest numbers.
        var left = -exponent
        while left != 0 {
            let step = max(-300, min(300, left))
            mantissa *= Mathematics.power(10, step)
            left -= step
        }
        mantissa = (mantissa * 1000).rounded() / 1000
        if mantissa.magnitude >= 10 {
            mantissa /= 10
            exponent += 1
        }
        let text = mantissa.description
        return "\(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)e\(exponent)"
    }
}
