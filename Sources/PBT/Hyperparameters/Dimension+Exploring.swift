// SPDX-License-Identifier: Apache-2.0

extension Dimension {
    /// Returns the value that a rule derives from a donor's, and the operation.
    ///
    /// - Parameters:
    ///   - donor: The donor's value.
    ///   - rule: The rule; a custom one keeps the value.
    ///   - random: The stream of this hyperparameter and interval.
    /// - Returns: The value, and the operation in a few characters; see ``Change/operation``.
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
        // A value that cannot be multiplied is resampled.
        return (sample(using: &random), "resampled")
    }

    /// Explores like `_explore` of Ray Tune 2.60: lists shift by one or are resampled, numbers are multiplied without
    /// regard to bounds, and integers are rounded half to even.
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
        // Bounds are ignored, but the value stays within what the store can represent.
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

extension Dimension {
    /// Returns the legal value nearest to a proposed one; nil if there is none.
    package func nearestLegal(to value: Value) -> Value? {
        switch domain {
        case .real(let real):
            guard let number = value.double, !number.isNaN else { return nil }
            return .number(real.legal(number))
        case .integer(let integers):
            guard let number = value.double, !number.isNaN else { return nil }
            let clipped = Int(min(max(number.rounded(), -0x1p62), 0x1p62))
            return .integer(min(max(clipped, integers.bounds.lowerBound), integers.bounds.upperBound))
        case .choice, .boolean, .constant:
            // Not `? : nil`, whose nil would be JSON's null, as `Value` has such a literal.
            guard complaint(about: value) == nil else { return nil }
            return normalized(value)
        case .free: return value.finite
        }
    }
}
