// SPDX-License-Identifier: Apache-2.0

/// A stream of random draws for one purpose, one interval, and one name.
///
/// Every draw of an experiment comes from such a stream, never from a shared generator, so a decision does not depend
/// on earlier ones or on the machine, and adding a hyperparameter to a space does not affect the draws of others. The
/// transforms are implemented here, since the standard library may change those of `random(in:using:)`.
public struct RandomStream: RandomNumberGenerator, Sendable {
    /// The purpose of a stream's draws.
    public enum Purpose: UInt8, Sendable {
        /// The hyperparameters of a founder, or a resampled one.
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

    /// Creates the stream named by (seed, purpose, member, index, name, attempt).
    ///
    /// - Parameters:
    ///   - seed: The experiment's seed.
    ///   - purpose: The purpose of the draws.
    ///   - member: The member.
    ///   - index: The index of the interval.
    ///   - name: The name of a hyperparameter, or an empty string.
    ///   - attempt: The number of earlier draws that were rejected, since they violated a constraint.
    public init(seed: UInt64, _ purpose: Purpose, member: Int, index: Int, name: String = "", attempt: Int = 0) {
        generator = Xoshiro256(
            seed: Self.hash(
                seed: seed, purpose: purpose, member: member, index: index, name: name, attempt: attempt))
    }

    /// Returns the FNV-1a hash of the parts of a stream's name; the seeding generator mixes it further.
    ///
    /// The first attempt is not a part of it, so that streams are those of versions without constraints.
    static func hash(
        seed: UInt64, purpose: Purpose, member: Int, index: Int, name: String, attempt: Int = 0
    ) -> UInt64 {
        var hash = FNV1a()
        func fold(_ word: UInt64) {
            hash.update((0..<8).lazy.map { UInt8(truncatingIfNeeded: word >> (8 * $0)) })
        }
        fold(seed)
        hash.update([purpose.rawValue])
        fold(UInt64(bitPattern: Int64(member)))
        fold(UInt64(bitPattern: Int64(index)))
        hash.update(name.utf8)
        if attempt > 0 {
            // A byte that no name contains, so that name and number do not run into each other.
            hash.update([0xff])
            fold(UInt64(attempt))
        }
        return hash.value
    }

    /// Returns the next 64 bits.
    public mutating func next() -> UInt64 {
        generator.next()
    }

    /// Returns a number in `0 ..< 1`, with 53 random bits.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Returns a number in `lower ..< upper`, or `lower` if they are equal.
    public mutating func uniform(_ lower: Double, _ upper: Double) -> Double {
        let share = unit()
        let width = upper - lower
        // The difference of large numbers overflows; all others keep the rounding of the first form, which was
        // recorded.
        let value = width.isFinite ? lower + width * share : lower * (1 - share) + upper * share
        return value < upper ? value : lower
    }

    /// Returns an integer in `0 ..< count`, each equally likely (Lemire's multiplication with rejection).
    ///
    /// - Parameter count: The number of integers; above 0.
    /// - Returns: The integer.
    public mutating func index(below count: Int) -> Int {
        precondition(count > 0, "there must be something to choose from")
        return Int(word(below: UInt64(count)))
    }

    /// Returns an integer of a range, each equally likely.
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

    /// Returns a draw from the standard normal distribution (Box–Muller; two words per draw).
    public mutating func normal() -> Double {
        let radius = (-2 * Mathematics.log(1 - unit())).squareRoot()
        return radius * Mathematics.cosine(2 * Double.pi * unit())
    }

    /// Returns an index drawn with weights, which are not negative and not all zero.
    public mutating func index(weights: [Double]) -> Int {
        var total = weights.reduce(0, +)
        // Sums of large numbers overflow.
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
