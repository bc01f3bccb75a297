// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Numbers that are read, and numbers that are written, in memory that somebody else owns.
typealias Reading = UnsafeBufferPointer<Float>
typealias Writing = UnsafeMutableBufferPointer<Float>

/// The loops in which nearly all time is spent, written so that the compiler makes vector instructions of them.
enum Vectors {
    /// y += a · x, over the length of y.
    static func add(_ a: Float, times x: Reading, to y: Writing) {
        var i = 0
        while i < y.count {
            y[i] += a * x[i]
            i += 1
        }
    }

    /// The inner product, summed in eight parts so that it can be done eight at a time.
    static func product(_ x: Reading, _ y: Reading) -> Float {
        let (rawX, rawY) = (UnsafeRawBufferPointer(x), UnsafeRawBufferPointer(y))
        var sums = SIMD8<Float>.zero
        var i = 0
        while i + 8 <= x.count {
            let a = rawX.loadUnaligned(fromByteOffset: 4 * i, as: SIMD8<Float>.self)
            let b = rawY.loadUnaligned(fromByteOffset: 4 * i, as: SIMD8<Float>.self)
            sums += a * b
            i += 8
        }
        var sum = sums.sum()
        while i < x.count {
            sum += x[i] * y[i]
            i += 1
        }
        return sum
    }

    /// Turns scores into probabilities that sum to 1.
    ///
    /// - Returns: The negative logarithm of the probability of `label`, in nats; not a number when a score is not one.
    static func softmax(_ scores: Writing, label: Int) -> Double {
        var greatest = -Float.infinity
        for score in scores { greatest = max(greatest, score) }
        let own = scores[label] - greatest
        var sum: Float = 0
        for i in scores.indices {
            scores[i] = expf(scores[i] - greatest)
            sum += scores[i]
        }
        for i in scores.indices { scores[i] /= sum }
        return Double(logf(sum) - own)
    }
}

extension Writing {
    /// The same memory, to be read.
    var reading: Reading { Reading(self) }

    /// A part of the memory.
    func part(_ range: Range<Int>) -> Writing { Writing(rebasing: self[range]) }
}

extension Reading {
    /// A part of the memory.
    func part(_ range: Range<Int>) -> Reading { Reading(rebasing: self[range]) }
}
