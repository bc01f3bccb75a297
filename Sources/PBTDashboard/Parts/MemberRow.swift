// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A member as tables show it, or one interval of it.
struct MemberRow {
    /// A Boolean value indicating whether the row is one interval, rather than a member.
    var isInterval = false
    /// The newest interval; of an interval's row the interval itself.
    let newest: Interval
    /// The newest interval with a score.
    let scored: Interval?
    /// The score of the interval that the scored one continues.
    let previousScore: Double?
    /// The number of copies in its lineage.
    let copies: Int
    /// The interval that was copied last in its lineage; none for a lineage without a copy.
    let donor: IntervalID?
    /// The number of the lineage piece that holds its newest interval.
    let piece: Int
    let status: MemberStatus

    var member: Int { newest.id.member }
    /// The member's score: that of its newest interval with one.
    var score: Double? { scored?.score }
    /// The change of the score by its last interval.
    var gain: Double? {
        guard let score, let previousScore, (score - previousScore).isFinite else { return nil }
        return score - previousScore
    }
}

extension ExperimentContext {
    /// Returns all members by number, or all intervals.
    ///
    /// - Parameters:
    ///   - kind: The rows.
    ///   - includesDeleted: Whether there is a row for a finished interval whose job was deleted or queued again.
    /// - Returns: The rows, by member and index.
    func memberRows(_ kind: RowKind = .members, includesDeleted: Bool = true) -> [MemberRow] {
        let intervals = history.genealogy.intervals
        let live = Dictionary(running.map { ($0.id, $0) }) { $1 }
        var rows: [MemberRow] = []
        var copies = [(count: Int, donor: IntervalID?)?](repeating: nil, count: intervals.count)
        var (scored, finished) = (Int?.none, Int?.none)
        for place in intervals.indices {
            let isFirst = place == 0 || intervals[place - 1].id.member != intervals[place].id.member
            if isFirst { (scored, finished) = (nil, nil) }
            if intervals[place].state.isFinished { finished = place }
            if intervals[place].state == .done, intervals[place].score?.isFinite == true { scored = place }
            let isLast = place + 1 == intervals.count || intervals[place + 1].id.member != intervals[place].id.member
            guard isLast || kind == .intervals else { continue }
            if kind == .intervals {
                if scored != place { scored = nil }
                if !includesDeleted, isDeleted(intervals[place]) { continue }
            }
            let newest = live[intervals[place].id] ?? intervals[place]
            let (count, donor) = lineageCopies(at: place, &copies)
            rows.append(
                MemberRow(
                    isInterval: kind == .intervals, newest: newest, scored: scored.map { intervals[$0] },
                    previousScore: scored.flatMap { history.genealogy.parents[$0] }.flatMap { intervals[$0].score },
                    copies: count, donor: donor, piece: history.pieceOfPlace[place],
                    status: isLast
                        ? MemberStatus(
                            of: newest, finished: kind == .intervals ? nil : finished.map { intervals[$0] }, in: record,
                            now: now)
                        : MemberStatus(ofPast: newest)))
        }
        return rows
    }

    /// Returns whether a finished interval of a client's experiment no longer is a job: it was deleted, or queued again
    /// as a new one.
    func isDeleted(_ interval: Interval) -> Bool {
        interval.label == nil && interval.state.isFinished && hasJobs
    }

    /// Returns the number of copies in the lineage of an interval, and the interval that was copied last.
    ///
    /// Results are memoized in `known`, so that all members together cost one walk of the tree.
    private func lineageCopies(
        at place: Int, _ known: inout [(count: Int, donor: IntervalID?)?]
    ) -> (count: Int, donor: IntervalID?) {
        var path: [Int] = []
        var current: Int? = place
        while let next = current, known[next] == nil {
            path.append(next)
            current = history.genealogy.parents[next]
        }
        var result = current.flatMap { known[$0] } ?? (0, nil)
        for place in path.reversed() {
            if history.columns.isExploit[place] {
                result = (result.count + 1, history.genealogy.intervals[place].parent)
            }
            known[place] = result
        }
        return result
    }
}
