// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import Synchronization

/// How many requests a second each caller may make: a bucket that fills at that rate and holds two seconds' worth.
final class RateLimit: Sendable {
    private struct Bucket {
        var level: Double
        var filled: ContinuousClock.Instant
    }

    private let rate: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameter rate: Requests a second; above 0.
    init(_ rate: Double) {
        self.rate = rate
    }

    /// Counts a request.
    ///
    /// - Throws: A ``Problem`` with status 429 when it is one too many.
    func count(_ caller: String, at now: ContinuousClock.Instant = .now) throws(Problem) {
        let isAllowed = buckets.withLock { buckets in
            if buckets.count > 10_000 { buckets = [:] }
            let capacity = max(1, 2 * rate)
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
}
