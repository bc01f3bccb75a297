// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The failed attempts of a run, and the intervals lost to them.
struct LostIntervals: Sendable {
    /// The number of failed attempts.
    let attempts: Int
    /// The number of intervals that no attempt finished.
    let intervals: Int
    /// The reason of most of the lost intervals.
    let reason: String?

    /// Counts failures among intervals.
    init(_ all: [Interval]) {
        attempts = all.reduce(0) { $0 + $1.failures }
        let lost = all.filter { $0.state == .failed }
        intervals = lost.count
        let counts = lost.reduce(into: [String: Int]()) { $0[$1.reason ?? "reason unknown", default: 0] += 1 }
        reason = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// The counts in words.
    var text: String {
        let failed = Words.count(attempts, "failed attempt")
        guard intervals > 0 else { return "\(failed), all recovered" }
        let why = reason.map { intervals == 1 ? ": \($0)" : ", most of them: \($0)" } ?? ""
        return "\(failed), \(Words.count(intervals, "interval")) lost\(why)"
    }

    /// The counts as a JSON object.
    var value: Value {
        [
            "attempts": .integer(attempts), "intervals": .integer(intervals),
            "reason": .string(orNull: reason),
        ]
    }
}
