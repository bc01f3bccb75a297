// SPDX-License-Identifier: Apache-2.0

/// A stream of random draws that belongs to one purpose, one interval and one name.
///
/// Every draw of an experiment comes from such a stream, never from a shared generator, so a decision is the same
/// whatever else was decided before it, on whichever machine; and a hyperparameter added to a space does not move
/// the draws of the others. The transforms are ours: the standard library may change what `random(in:using:)` draws.
public struct RandomStream: RandomNumberGenerator, Sendable {
    /// What a stream's draws are for.
    public enum Purpose: UInt8, Sendable {
        /// A founder's hyperparameters, or a resampled one.
        case sample = 1
        /// The choice of a donor.
        case exploit = 2
        /// The change of a hyperparameter.
        case explore = 3
        /// The order of two equal scores.
        case tie = 4
        /// The seed given to a trainer.
        case trainer = 5
    }

    private var generator: Xoshiro256

    /// The stream named by (seed, purpose, member, index, name).
    ///
    /// - Parameters:
    ///   - seed: The experiment's seed.
    ///   - purpose: What the draws are for.
    ///   - member: The member they are for.
    ///   - index: The index of the interval they are for.
    ///   - name: A hyperparameter's name, or nothing.
    public init(seed: UInt64, _ purpose: Purpose, member: Int, index: Int, name: String = "") {
        generator = Xoshiro256(
            seed: Self.hash(seed: seed, purpose: purpose, member: member, index: index, name: name))
    }

    /// FNV-1a over the parts of a stream's name, each at its own place; the seeding generator mixes it further.
    static func hash(seed: UInt64, purpose: Purpose, member: Int, index: Int, name: String) -> UInt64 {
        var hash = FNV1a()
        func fold(_ word: UInt64) {
            hash.update((0..<8).lazy.map { UInt8(truncatingIfNeeded: word >> (8 * $0)) })
        }
        fold(seed)
        hash.update([purpose.rawValue])
        fold(UInt64(bitPattern: Int64(member)))
        fold(UInt64(bitPattern: Int64(index)))
        hash.update(name.utf8)
        return hash.value
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        generator.next()
    }

    /// A number in `0 ..< 1`, with 53 random bits.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number in `lower ..< upper`, or `lower` when they are equal.
    public mutating func uniform(_ lower: Double, _ upper: Double) -> Double {
        let share = unit()
        let width = upper - lower
        // A difference of great numbers overflows; for all others the rounding of the first form is what was recorded.
        let value = width.isFinite ? lower + width * share : lower * (1 - share) + upper * share
        return value < upper ? value : lower
    }

    /// An integer in `0 ..< count`, each equally likely (Lemire's multiplication with rejection).
    ///
    /// - Parameter count: How many there are; more than none.
    /// - Returns: The integer.
    public mutating func index(below count: Int) -> Int {
        precondition(count > 0, "there is nothing to choose from")
        return Int(word(below: UInt64(count)))
    }

    /// An integer of a range, each equally likely.
    package mutating func integer(in range: ClosedRange<Int>) -> Int {
        let span = UInt64(bitPattern: Int64(range.upperBound)) &- UInt64(bitPattern: Int64(range.lowerBound))
        let drawn = span == .max ? next() : word(below: span + 1)
        return Int(Int64(bitPattern: UInt64(bitPattern: Int64(range.lowerBound)) &+ drawn))
    }

    private mutating func word(below bound: UInt64) -> UInt64 {
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold {
                product = next().multipliedFullWidth(by: bound)
            }
        }
        return product.high
    }

    /// A draw from the standard normal distribution (Box and Muller; two words a draw).
    public mutating func normal() -> Double {
        let radius = (-2 * Mathematics.log(1 - unit())).squareRoot()
        return radius * Mathematics.cosine(2 * Double.pi * unit())
    }

    /// An index drawn with the given weights, which are not negative and not all zero.
    public mutating func index(weights: [Double]) -> Int {
        var total = weights.reduce(0, +)
        // Sums of great numbers overflow.
        let scale = total.isFinite ? 1 : 0x1p-64
        if !total.isFinite { total = weights.reduce(0) { $0 + $1 * scale } }
        var left = unit() * total
        for (i, weight) in weights.enumerated() {
            left -= weight * scale
            if left < 0 {
                return i
            }
        }
        return weights.lastIndex { $0 > 0 } ?? 0
    }
}
