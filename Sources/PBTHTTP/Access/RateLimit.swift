// SPDX-License-Identifier: Apache-2.0

import PBT
package import PBTAPI
import Synchronization

/// A limit on each caller's requests a second: a token bucket that holds two seconds' worth.
package final class RateLimit: Sendable {
    private struct Bucket {
        var level: Double
        var filled: ContinuousClock.Instant
    }

    /// The most callers that are remembered.
    static let capacity = 10_000

    private let rate: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameter rate: Requests a second; above 0.
    init(_ rate: Double) {
        self.rate = rate
    }

    /// The number of callers that are remembered.
    var size: Int { buckets.withLock(\.count) }

    /// Counts a request.
    ///
    /// - Throws: A ``Problem`` with status 429 when it is one too many.
    package func count(_ caller: String, at now: ContinuousClock.Instant = .now) throws(Problem) {
        let isAllowed = buckets.withLock { buckets in
            let capacity = max(1, 2 * rate)
            if buckets.count >= Self.capacity, buckets[caller] == nil { forget(&buckets, capacity, now) }
            var bucket = buckets[caller] ?? Bucket(level: capacity, filled: now)
            bucket.level = min(capacity, bucket.level + (now - bucket.filled) / .seconds(1) * rate)
            bucket.filled = now
            defer { buckets[caller] = bucket }
            guard bucket.level >= 1 else { return false }
            bucket.level -= 1
            return true
        }
        if !isAllowed {
            throw Problem(
                429, "tooManyRequests",
                "more than \(Int(saturating: rate)) requests a second; slow down, or see --rate-limit",
                retryAfter: 1)
        }
    }

    /// Makes room: forgets those whose buckets are full again, which changes nothing for them; where that is none,
    /// callers that are below the limit, so that nobody evades a limit by adding other callers.
    private func forget(
        _ buckets: inout [String: Bucket], _ capacity: Double, _ now: ContinuousClock.Instant
    ) {
        func level(_ bucket: Bucket) -> Double { bucket.level + (now - bucket.filled) / .seconds(1) * rate }
        buckets = buckets.filter { level($0.value) < capacity }
        if buckets.count >= Self.capacity { buckets = buckets.filter { level($0.value) < 1 } }
        if buckets.count >= Self.capacity { buckets = [:] }
    }
}
