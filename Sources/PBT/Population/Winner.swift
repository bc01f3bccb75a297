// SPDX-License-Identifier: Apache-2.0

extension Objective {
    /// Returns true if a done interval is rather the winner than another one: its score is better; among equal scores,
    /// its checkpoint has more training; among these, it finished later.
    ///
    /// A noisy metric has ties at its bound (500 of 500, or 100 %). The first of them is as likely luck as skill, while
    /// a later one descends from others that scored well. The order of ``Ledger/best(_:in:)``, of a record's best, and
    /// of all outputs.
    ///
    /// - Parameters:
    ///   - interval: An interval with a score.
    ///   - other: Another one.
    /// - Returns: False if the interval has no finite score, or is the other one.
    public func prefers(_ interval: Interval, to other: Interval) -> Bool {
        guard interval.state == .done, let score = interval.score, score.isFinite else { return false }
        guard other.state == .done, let rival = other.score, rival.isFinite else { return true }
        return score == rival ? interval.lateness > other.lateness : isBetter(score, than: rival)
    }
}

extension Interval {
    /// The order among equal scores: depth, then time of finishing.
    ///
    /// Intervals without a sequence number, which exist in values made by hand only, are in order of their indices.
    package var lateness: Lateness {
        Lateness(depth: depth, sequence: sequence ?? .max, index: id.index, member: id.member)
    }

    /// The key of the order among equal scores.
    package struct Lateness: Comparable, Sendable {
        var depth: Int
        var sequence: Int64
        var index: Int
        var member: Int

        package static func < (a: Self, b: Self) -> Bool {
            (a.depth, a.sequence, a.index, a.member) < (b.depth, b.sequence, b.index, b.member)
        }
    }
}
