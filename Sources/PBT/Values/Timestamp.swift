// SPDX-License-Identifier: Apache-2.0

/// A point in time: milliseconds since the start of 1970, UTC.
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: Int64

    /// Creates a point in time from milliseconds since 1970-01-01T00:00:00Z.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Orders points in time.
    public static func < (a: Self, b: Self) -> Bool {
        a.milliseconds < b.milliseconds
    }

    /// Returns the point in time after a duration, clamped to the representable range.
    public func advanced(by duration: Duration) -> Self {
        Self(milliseconds: milliseconds.adding(saturating: duration.milliseconds))
    }

    /// Returns the duration from another point in time to this one, clamped to the representable range.
    public func since(_ other: Self) -> Duration {
        .milliseconds(milliseconds.subtracting(saturating: other.milliseconds))
    }

    /// The point in time in ISO 8601, in UTC to the second: `2026-11-21T19:18:14Z`.
    public var description: String {
        let seconds = Int((Double(milliseconds) / 1000).rounded(.down))
        let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let time = seconds - days * 86400
        // The civil date of a day number, by eras of 400 years that start on 1 March.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
        return "\(year)-\(two(month))-\(two(day))T\(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60))Z"
    }
}

extension Duration {
    /// The duration in milliseconds, rounded down and clamped to the representable range.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multiplied(saturatingBy: 1000).adding(saturating: attoseconds / 1_000_000_000_000_000)
    }

    /// The duration in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
