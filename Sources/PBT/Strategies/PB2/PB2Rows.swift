// SPDX-License-Identifier: Apache-2.0

/// A row that is learned from: a finished interval with the score before it.
struct PB2Row: Sendable {
    var id: IntervalID
    /// The score less that of the parent, which may be another member's; positive is better.
    var gain: Double
    /// The parent's score; greater is better.
    var before: Double
    var hyperparameters: Hyperparameters

    /// Returns the last intervals up to an index, newest index first, by member: all that are done and whose parent is.
    ///
    /// Founders have no score before them. Only rows decide: those of later indices do not count, even if they exist.
    static func last(
        _ most: Int, upTo index: Int, in history: IntervalHistory, by objective: Objective
    ) throws -> [Self] {
        var rows: [Self] = []
        var index = index
        while index >= 1, rows.count < most {
            let intervals = try history.intervals(at: index)
            for interval in intervals where rows.count < most {
                guard let score = interval.finiteScore, let parent = interval.parent,
                    let before = try history.interval(parent)?.finiteScore
                else { continue }
                let gain = objective.key(score) - objective.key(before)
                guard gain.isFinite else { continue }
                rows.append(
                    Self(
                        id: interval.id, gain: gain, before: objective.key(before),
                        hyperparameters: interval.hyperparameters))
            }
            index -= 1
        }
        return rows
    }
}

extension Interval {
    /// The score if the interval is done.
    var finiteScore: Double? {
        guard state == .done, let score, score.isFinite else { return nil }
        return score
    }
}

/// The gains of some rows with mean 0 and variance 1, and at most two standard deviations from it.
struct StandardizedGains: Sendable {
    let values: [Double]
    /// The mean gain.
    let mean: Double
    /// The standard deviation of the gains; 0 if they are equal.
    let deviation: Double

    init(_ gains: [Double]) {
        // Squares of large numbers overflow.
        let unit = gains.reduce(0) { max($0, $1.magnitude) }
        guard unit > 0 else {
            (values, mean, deviation) = (gains.map { _ in 0 }, 0, 0)
            return
        }
        let scaled = gains.map { $0 / unit }
        let count = Double(gains.count)
        let center = scaled.reduce(0, +) / count
        let spread = (scaled.reduce(0) { $0 + ($1 - center) * ($1 - center) } / count).squareRoot()
        mean = center * unit
        // Equal gains have no spread beyond a rounding error.
        deviation = spread > 1e-12 ? spread * unit : 0
        values = scaled.map { spread > 1e-12 ? min(max(($0 - center) / spread, -2), 2) : 0 }
    }
}

/// The scores before some rows, scaled to 0 … 1.
struct ScaledScores: Sendable {
    private let low: Double
    private let halfWidth: Double

    init(_ scores: [Double]) {
        low = scores.min() ?? 0
        // The difference of large numbers overflows.
        halfWidth = 0.5 * (scores.max() ?? 0) - 0.5 * low
    }

    /// Returns the place of a score; one far beyond the others is moved closer.
    func place(of score: Double) -> Double {
        guard halfWidth > 0 else { return 0.5 }
        return min(max((0.5 * score - 0.5 * low) / halfWidth, -1), 2)
    }
}
