// SPDX-License-Identifier: Apache-2.0

package import PBT

/// How a population stands: what `pbt run` and `pbt watch` show while it is trained.
///
/// A value made from rows that were read, and from the time it is.
package struct Board: Sendable {
    /// What is wrong with a member.
    package enum Problem: Sendable, Hashable {
        /// Nobody has renewed the lease of its interval.
        case stalled
        /// Its last attempt failed, and it waits for another.
        case retrying
        /// It has ended early.
        case failed
    }

    /// One member.
    package struct Row: Sendable {
        /// Its newest interval that has finished; its first when none has.
        package var shown: Interval
        /// Its interval that waits or runs, after that one.
        package var open: Interval?
        /// Whether the best interval ever is the one that is shown.
        package var isBest: Bool
        /// What is wrong with it.
        package var problem: Problem?
        /// What it does, in a word.
        package var state: String
        /// 1 when its score is better than that of the checkpoint it continued, -1 when it is worse.
        package var trend: Int
        /// What it continued when it last took over another member: `3@7`, or `founder`.
        package var origin: String
        /// What else there is to say.
        package var note: String

        /// The member.
        package var member: Int { shown.id.member }

        /// Its score, when that is finite.
        package var score: Double? { shown.finiteScore }

        /// The index of the interval that it is at.
        package var index: Int { (open ?? shown).id.index }

        /// The hyperparameters that it trains with now, or trained with last.
        package var hyperparameters: Hyperparameters { (open ?? shown).hyperparameters }
    }

    /// The experiment.
    package let record: ExperimentRecord
    /// The members, best first; those without a score last.
    package let rows: [Row]
    /// The best interval ever.
    package let best: Interval?
    /// The middle one of the members' scores.
    package let median: Double?
    /// What nine of ten members are better than.
    package let tenth: Double?
    /// The best score after each interval's index; not a number where there was none.
    package let curve: [Double]
    /// How many founders have descendants in today's population, and how many there were; none where nobody copies.
    package let founders: (left: Int, all: Int)?
    /// How many intervals continue another member's checkpoint.
    package let copies: Int

    /// The board of an experiment.
    ///
    /// - Parameters:
    ///   - history: What was read.
    ///   - now: The store's time.
    package init(_ history: History, now: Timestamp) {
        record = history.record
        best = history.best
        copies = history.copies
        let objective = history.record.experiment.objective
        rows = Self.members(of: history).map { Self.row($0, in: history, now: now) }.sorted { a, b in
            switch (a.score, b.score) {
            case (let x?, let y?) where x != y: objective.isBetter(x, than: y)
            case (.some, nil): true
            case (nil, .some): false
            default: a.member < b.member
            }
        }
        let scores = rows.compactMap(\.score)
        if scores.isEmpty {
            (median, tenth) = (nil, nil)
        } else {
            let middle = scores.count / 2
            median = scores.count % 2 == 1 ? scores[middle] : scores[middle - 1] / 2 + scores[middle] / 2
            tenth = scores[min(scores.count - 1, scores.count * 9 / 10)]
        }
        curve = history.bestByIndex
        let families = history.families
        founders =
            history.record.experiment.kind == .populationBasedTraining
            ? (families.foundersLeft, families.founders) : nil
    }

    /// The intervals of each member, those of one member together.
    private static func members(of history: History) -> [ArraySlice<Interval>] {
        let starts = history.columns.starts
        return zip(starts, starts.dropFirst()).map { history.genealogy.intervals[$0..<$1] }
    }

    private static func row(_ intervals: ArraySlice<Interval>, in history: History, now: Timestamp) -> Row {
        let last = intervals[intervals.index(before: intervals.endIndex)]
        let shown = intervals.last { $0.state.isFinished } ?? last
        let open = last.state.isFinished || last.id == shown.id ? nil : last
        let current = open ?? shown
        let (problem, state, note) = standing(of: current, in: history.record, now: now)
        var trend = 0
        if let score = shown.finiteScore, let before = shown.parent.flatMap({ history.genealogy[$0] })?.finiteScore,
            score != before
        {
            trend = history.record.experiment.objective.isBetter(score, than: before) ? 1 : -1
        }
        let lineage = history.lineage(of: current.id)
        let donor = lineage.last { $0.isExploit }?.parent
        return Row(
            shown: shown, open: open, isBest: shown.id == history.best?.id, problem: problem, state: state,
            trend: trend, origin: donor?.description ?? (lineage.first?.id.index == 0 ? "founder" : "restarted"),
            note: note)
    }

    private static func standing(
        of interval: Interval, in record: ExperimentRecord, now: Timestamp
    ) -> (problem: Problem?, state: String, note: String) {
        let reason = interval.reason ?? ""
        switch interval.state {
        case .running:
            // A clock that is a little ahead of the store's must not raise an alarm.
            if let expires = interval.leaseExpires, now.since(expires) > .seconds(2) {
                return (.stalled, "stalled", "no word for \(Format.duration(now.since(expires)))")
            }
            return (nil, "training", interval.failures > 0 ? "attempt \(interval.attempts)" : "")
        case .waiting:
            if interval.failures > 0 {
                let attempt = "attempt \(interval.failures + 1) of \(record.experiment.retries + 1)"
                return (.retrying, "retrying", reason.isEmpty ? attempt : "\(attempt): \(reason)")
            }
            return (nil, record.state == .paused ? "paused" : "waiting", "")
        case .done:
            let goesOn = !record.state.isOver && interval.id.index + 1 < record.experiment.intervals
            return (nil, goesOn ? "waiting" : "done", "")
        case .diverged, .failed:
            let isReplacedLater =
                !record.state.isOver && (record.experiment.isSynchronous || interval.isUndecided)
            return (.failed, interval.state.rawValue, isReplacedLater && reason.isEmpty ? "to be replaced" : reason)
        }
    }
}

extension History {
    /// The best score so far after each index of an interval; not a number before the first score.
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
}
