// SPDX-License-Identifier: Apache-2.0

extension Dimension {
    /// Samples a value from the distribution of founders; within the bounds, on the grid.
    ///
    /// - Parameter random: The stream to draw from.
    /// - Returns: The value.
    public func sample(using random: inout RandomStream) -> Value {
        switch domain {
        case .real(let real):
            let drawn =
                switch real.distribution {
                case .uniform(let low, let high): random.uniform(low, high)
                case .logUniform(let low, let high):
                    Mathematics.exp(random.uniform(Mathematics.log(low), Mathematics.log(high)))
                case .reverseLogUniform(let low, let high):
                    Scale.reverseLogarithmic.number(
                        at: random.uniform(
                            Scale.reverseLogarithmic.position(of: low), Scale.reverseLogarithmic.position(of: high)))
                case .normal(let mean, let deviation): mean + deviation * random.normal()
                case .logNormal(let mean, let deviation): Mathematics.exp(mean + deviation * random.normal())
                }
            return .number(real.legal(drawn))
        case .integer(let integers):
            let (range, quantum) = (integers.drawn, integers.quantum)
            guard integers.isLogarithmic else {
                guard quantum > 1 else { return .integer(random.integer(in: range)) }
                let place = random.integer(in: 0...(range.upperBound - range.lowerBound) / quantum)
                return .integer(range.lowerBound + place * quantum)
            }
            // Each integer n covers n - ½ … n + ½ (half a step of its grid), so that the ends are as likely as their
            // neighbors; half a step below 1 would be no number above 0.
            let half = 0.5 * Double(quantum)
            let drawn = random.uniform(
                Mathematics.log(max(Double(range.lowerBound) - half, 0.5)),
                Mathematics.log(Double(range.upperBound) + half))
            guard quantum > 1 else {
                let rounded = Int(saturating: Mathematics.exp(drawn).rounded())
                return .integer(min(max(rounded, range.lowerBound), range.upperBound))
            }
            return .integer(min(max(integers.legal(Mathematics.exp(drawn)), range.lowerBound), range.upperBound))
        case .choice(let choice):
            let place = choice.weights.map { random.index(weights: $0) } ?? random.index(below: choice.values.count)
            return choice.values[place]
        case .boolean:
            return .bool(random.index(below: 2) == 1)
        case .constant(let value):
            return value
        case .free(let drawn):
            guard let drawn else { return .null }
            return Dimension(drawn).sample(using: &random)
        }
    }

    /// Returns the problem of a value that this hyperparameter must not have, as a clause; nil if the value is legal.
    package func complaint(about value: Value) -> String? {
        switch domain {
        case .real(let real):
            guard let number = value.double, number.isFinite else {
                return "must be a finite number, not \(value.flowText)"
            }
            guard real.bounds.contains(number) else {
                return "must be between \(real.bounds.lowerBound) and \(real.bounds.upperBound), not \(value)"
            }
            if let quantum = real.quantum,
                (real.legal(number) - number).magnitude > 1e-9 * max(quantum, number.magnitude)
            {
                return "must be a multiple of \(quantum) from \(real.bounds.lowerBound), not \(value)"
            }
            return nil
        case .integer(let integers):
            guard let integer = value.int else { return "must be an integer, not \(value)" }
            guard integers.bounds.contains(integer) else {
                return "must be between \(integers.bounds.lowerBound) and \(integers.bounds.upperBound), not \(value)"
            }
            guard integers.legal(Double(integer)) == integer || integers.quantum == 1 else {
                return
                    "must be \(integers.bounds.lowerBound) plus a multiple of \(integers.quantum), not \(value)"
            }
            return nil
        case .choice(let choice):
            guard choice.values.contains(where: { $0.isSame(as: value) }) else {
                return "must be one of \(choice.values.map(\.json).joined(separator: ", ")), not \(value)"
            }
            return nil
        case .boolean:
            return value.bool == nil ? "must be true or false, not \(value)" : nil
        case .constant(let constant):
            return constant.isSame(as: value) ? nil : "must be \(constant), not \(value)"
        case .free:
            return nil
        }
    }

    /// Returns a value in the type that sampling gives: a number for a real, an integer for an integer.
    package func normalized(_ value: Value) -> Value {
        switch domain {
        case .real(let real): value.double.map { .number(real.normalized($0)) } ?? value
        case .integer: value.int.map { .integer($0) } ?? value
        case .choice(let choice): choice.values.first { $0.isSame(as: value) } ?? value
        case .boolean, .constant: value
        case .free: value.finite
        }
    }
}

extension Value {
    /// A value that is equal for all values that are the same by ``isSame(as:)``.
    package var sameness: Value {
        double.map { .number($0) } ?? self
    }

    /// Returns true if two values are the same; `1` and `1.0` are.
    package func isSame(as other: Value) -> Bool {
        if let a = double, let b = other.double { return a == b }
        return self == other
    }
}
