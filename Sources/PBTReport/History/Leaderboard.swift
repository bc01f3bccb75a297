// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The members of a population at some time, best first, as `pbt run` and `pbt watch` show them.
///
/// A value made from rows that were read, and from the store's time.
package struct Leaderboard: Sendable {
    /// One member.
    package struct Row: Sendable {
        /// Its newest interval that has finished; its first when none has.
        package var shown: Interval
        /// Its waiting or running interval, after that one.
        package var open: Interval?
        /// True when the shown interval is the best one of the experiment.
        package var isBest: Bool
        /// Its status.
        package var status: MemberStatus
        /// 1 when its score is better than that of the checkpoint it continued, -1 when it is worse.
        package var trend: Int
        /// The progress within its running interval, from its trainer's log; nil if that is unknown.
        package var progress: TrainerProgress?
        /// The interval that it was last copied from, as `3@7`; else `founder` or `restarted`.
        package var origin: String

        /// The member.
        package var member: Int { shown.id.member }

        /// Its score, when that is finite.
        package var score: Double? { shown.finiteScore }

        /// The index of its current interval.
        package var index: Int { (open ?? shown).id.index }

        /// The status in one or two words, with the part of a running interval that is done: `training 24%`.
        package var word: String {
            guard case .training = status, let percent = progress?.percent else { return status.word }
            return "\(status.word) \(percent)"
        }

        /// The details of its status, or what its trainer logs; may hold text of a trainer.
        package var note: String {
            guard case .training = status, status.note.isEmpty else { return status.note }
            return progress?.text ?? ""
        }

        /// The hyperparameters of its current interval.
        package var hyperparameters: Hyperparameters { (open ?? shown).hyperparameters }
    }

    /// The experiment.
    package let record: ExperimentRecord
    /// The members, best first; those without a score last.
    package private(set) var rows: [Row]
    /// The best interval of the experiment.
    package let best: Interval?
    /// The median of the members' scores.
    package let median: Double?
    /// The score that nine of ten members are better than.
    package let tenth: Double?
    /// The best score after each interval's index; NaN where there was none.
    package let curve: [Double]
    /// The number of founders with descendants in the current population, and of all founders; none where members are
    /// never copied.
    package let founders: (left: Int, all: Int)?
    /// The number of intervals that continue another member's checkpoint.
    package let copies: Int

    /// The leaderboard of an experiment.
    ///
    /// - Parameters:
    ///   - history: The experiment and its intervals.
    ///   - now: The store's time.
    package init(_ history: History, now: Timestamp) {
        record = history.record
        best = history.best
        copies = history.copies
        let objective = history.record.experiment.objective
        rows = history.members.map { Self.row($0, in: history, now: now) }.sorted { a, b in
            switch (a.score, b.score) {
            case (let x?, let y?) where x != y: objective.isBetter(x, than: y)
            case (.some, nil): true
            case (nil, .some): false
            default: a.isBest == b.isBest ? a.member < b.member : a.isBest
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

    /// The intervals that are being trained.
    package var running: [Interval] {
        rows.compactMap { row in
            guard case .training = row.status else { return nil }
            return row.open ?? row.shown
        }
    }

    /// Sets how far running intervals are.
    package mutating func set(_ progress: [IntervalID: TrainerProgress]) {
        for place in rows.indices { rows[place].progress = progress[(rows[place].open ?? rows[place].shown).id] }
    }

    private static func row(_ intervals: ArraySlice<Interval>, in history: History, now: Timestamp) -> Row {
        let last = intervals[intervals.index(before: intervals.endIndex)]
        let finished = intervals.last { $0.state.isFinished }
        let shown = finished ?? last
        let open = last.state.isFinished || last.id == shown.id ? nil : last
        var trend = 0
        if let score = shown.finiteScore, let before = shown.parent.flatMap({ history.genealogy[$0] })?.finiteScore,
            score != before
        {
            trend = history.record.experiment.objective.isBetter(score, than: before) ? 1 : -1
        }
        let lineage = history.lineage(of: last.id)
        let donor = lineage.last { $0.isExploit }?.parent
        return Row(
            shown: shown, open: open, isBest: shown.id == history.best?.id,
            status: MemberStatus(of: last, finished: finished, in: history.record, now: now), trend: trend,
            origin: donor?.description ?? (lineage.first?.id.index == 0 ? "founder" : "restarted"))
    }
}
