// SPDX-License-Identifier: Apache-2.0

public import PBT

/// One improvement of the best score.
public struct Improvement: Sendable, Hashable {
    /// How much had been trained then, in the unit that was asked for.
    public let at: Int
    /// The interval that was better than all before it.
    public let interval: IntervalID
    /// Its score.
    public let score: Double
}

extension History {
    /// What the best score so far is a function of.
    public enum Progress: Sendable, Hashable {
        /// The number of intervals that had finished, in the order in which they did: the budget spent.
        case finished
        /// The index of the interval: the same for all members, whenever they got there.
        case index
        /// The intervals of training that a checkpoint holds.
        case depth
    }

    /// The improvements of the best score.
    ///
    /// - Parameter progress: What it is a function of.
    /// - Returns: Only the improvements, from the first score to the best.
    public func bestSoFar(by progress: Progress) -> [Improvement] {
        Self.bestSoFar(of: genealogy.intervals, by: progress, objective: record.experiment.objective)
    }

    /// The improvements of the baseline's best score; empty when there is no baseline.
    ///
    /// - Parameter progress: What it is a function of.
    /// - Returns: Only the improvements, from the first score to the best.
    public func baselineBestSoFar(by progress: Progress) -> [Improvement] {
        Self.bestSoFar(of: baseline?.intervals ?? [], by: progress, objective: record.experiment.objective)
    }

    private static func bestSoFar(
        of intervals: [Interval], by progress: Progress, objective: Objective
    ) -> [Improvement] {
        // Places rather than intervals are sorted: an interval is large.
        var order = intervals.indices.filter { intervals[$0].state.isFinished }
        order.sort { a, b in
            switch progress {
            case .finished: break
            case .index where intervals[a].id.index != intervals[b].id.index:
                return intervals[a].id.index < intervals[b].id.index
            case .depth where intervals[a].depth != intervals[b].depth: return intervals[a].depth < intervals[b].depth
            case .index, .depth:
                // Within one step only the best counts; a step up and down again would be an accident of the order.
                let (x, y) = (intervals[a].finiteScore, intervals[b].finiteScore)
                if let x, let y, x != y { return objective.isBetter(x, than: y) }
                if (x == nil) != (y == nil) { return x != nil }
            }
            return intervals[a].finishesBefore(intervals[b])
        }
        var improvements: [Improvement] = []
        for (finished, place) in order.enumerated() {
            let interval = intervals[place]
            guard let score = interval.finiteScore,
                improvements.last.map({ objective.isBetter(score, than: $0.score) }) ?? true
            else { continue }
            let at =
                switch progress {
                case .finished: finished + 1
                case .index: interval.id.index
                case .depth: interval.depth
                }
            improvements.append(Improvement(at: at, interval: interval.id, score: score))
        }
        return improvements
    }
}
