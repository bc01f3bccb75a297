// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Draws of one interval of training; fast, since a task draws thousands.
struct Draws {
    private var bits: SplitMix64
    private var spare: Double?

    /// Creates a stream.
    ///
    /// - Parameters:
    ///   - seed: The trainer's seed.
    ///   - purpose: A number that separates the streams of an interval.
    init(_ seed: Int, _ purpose: UInt64) {
        var mixed = SplitMix64(seed: UInt64(bitPattern: Int64(seed)) ^ (purpose << 40))
        bits = SplitMix64(seed: mixed.next())
    }

    /// Returns a number from 0 to 1, exclusive.
    mutating func unit() -> Double {
        Double(bits.next() >> 11) * 0x1p-53
    }

    /// Returns a number from the standard normal distribution, by the method of Box and Muller.
    mutating func normal() -> Double {
        if let spare {
            self.spare = nil
            return spare
        }
        let radius = (-2 * log(1 - unit())).squareRoot()
        let angle = 2 * Double.pi * unit()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }

    /// Returns an index below a count.
    mutating func index(below count: Int) -> Int {
        min(Int(unit() * Double(count)), count - 1)
    }
}
