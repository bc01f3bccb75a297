// SPDX-License-Identifier: Apache-2.0

public import PBT

/// One improvement of the best score.
public struct Improvement: Sendable, Hashable {
    /// The progress at that time, in the requested unit.
    public let at: Int
    /// The interval that was better than all previous ones.
    public let interval: IntervalID
    /// The score of the interval.
    public let score: Double
}

extension History {
    /// The measure of progress that the best score so far is a function of.
    public enum Progress: Sendable, Hashable {
        /// The number of finished intervals, in the order in which they finished: the budget spent.
        case finished
        /// The index of the interval, independent of time.
        case index
        /// The lineage depth: the number of training intervals in a checkpoint.
        case depth
    }

    /// Returns the improvements of the best score.
    ///
    /// - Parameter progress: The measure of progress.
    /// - Returns: Only the improvements, from the first score to the best.
    public func bestSoFar(by progress: Progress) -> [Improvement] {
        Self.bestSoFar(of: genealogy, columns, by: progress, objective: record.experiment.objective)
    }

    /// Returns the improvements of the baseline's best score; empty when there is no baseline.
    ///
    /// - Parameter progress: The measure of progress.
    /// - Returns: Only the improvements, from the first score to the best.
    public func baselineBestSoFar(by progress: Progress) -> [Improvement] {
        guard let baseline, let baselineColumns else { return [] }
        return Self.bestSoFar(
            of: baseline, baselineColumns, by: progress, objective: record.experiment.objective)
    }

    /// The best score after each index of an interval; NaN before the first score.
    package var bestByIndex: [Double] {
        let improvements = bestSoFar(by: .index)
        let last = genealogy.intervals.lazy.filter(\.state.isFinished).map(\.id.index).max()
        guard let last, !improvements.isEmpty else { return [] }
        var numbers: [Double] = []
        var place = 0
        for index in 0...last {
            while place + 1 < improvements.count, improvements[place + 1].at <= index { place += 1 }
            numbers.append(improvements[place].at <= index ? improvements[place].score : .nan)
        }
        return numbers
    }

    private static func bestSoFar(
        of genealogy: Genealogy, _ columns: Columns, by progress: Progress, objective: Objective
    ) -> [Improvement] {
        let intervals = genealogy.intervals
        let candidates =
            switch progress {
            case .finished: inOrder(of: intervals, columns)
            case .index: bestOfEach(of: intervals, columns, objective) { columns.ids[$0].index }
            case .depth: bestOfEach(of: intervals, columns, objective) { columns.depths[$0] }
            }
        var improvements: [Improvement] = []
        for (at, place) in candidates {
            let score = columns.scores[place]
            guard !score.isNaN, improvements.last.map({ objective.isBetter(score, than: $0.score) }) ?? true
            else { continue }
            improvements.append(Improvement(at: at, interval: columns.ids[place], score: score))
        }
        return improvements
    }

    /// Returns all finished intervals in the order in which they finished, counted from 1.
    private static func inOrder(of intervals: [Interval], _ columns: Columns) -> [(at: Int, place: Int)] {
        // Sort keys rather than intervals, which are large.
        var keys: [(sequence: Int64, index: Int, place: Int)] = []
        for place in intervals.indices where columns.states[place].isFinished {
            keys.append((intervals[place].sequence ?? .max, columns.ids[place].index, place))
        }
        keys.sort { $0 < $1 }
        return keys.enumerated().map { ($0.offset + 1, $0.element.place) }
    }

    /// Returns the best interval of each step: changes within a step would depend on an arbitrary order.
    private static func bestOfEach(
        of intervals: [Interval], _ columns: Columns, _ objective: Objective, step: (_ place: Int) -> Int
    ) -> [(at: Int, place: Int)] {
        var best: [Int: (place: Int, score: Double)] = [:]
        for (place, score) in columns.scores.enumerated() where !score.isNaN {
            let at = step(place)
            guard let leader = best[at] else {
                best[at] = (place, score)
                continue
            }
            if objective.isBetter(score, than: leader.score)
                || (score == leader.score && objective.prefers(intervals[place], to: intervals[leader.place]))
            {
                best[at] = (place, score)
            }
        }
        return best.map { ($0.key, $0.value.place) }.sorted { $0.0 < $1.0 }
    }
}
