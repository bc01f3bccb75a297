// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A member as tables show it.
struct MemberRow {
    /// Its newest interval.
    let newest: Interval
    /// Its newest interval that is finished.
    let ended: Interval?
    /// Its newest interval with a score.
    let scored: Interval?
    /// The score of the interval that the scored one continues.
    let before: Double?
    /// How often its lineage was copied.
    let copies: Int
    /// The last interval that its lineage was copied from.
    let donor: IntervalID?
    /// The piece that its newest interval is in.
    let piece: Int
    /// For how long its worker has been silent, when that is too long.
    let silent: Duration?

    var member: Int { newest.id.member }
    /// What it is judged by.
    var score: Double? { scored?.score }
    /// How much better or worse it became with its last interval.
    var gain: Double? {
        guard let score, let before, (score - before).isFinite else { return nil }
        return score - before
    }

    /// Its state in words, and the class of their color.
    func state(retries: Int, isOver: Bool) -> (words: String, style: String) {
        if let silent { return ("! stalled \(Formatting.duration(silent))", "warn") }
        let attempt = newest.failures > 0 ? ", try \(newest.failures + 1) of \(retries + 1)" : ""
        switch newest.state {
        case .running: return ("training\(attempt)", "running")
        case .waiting where isOver:
            return ended.map { $0.state != .done } == true
                ? ("× \(ended?.state.rawValue ?? "")", "bad") : ("not trained", "quiet")
        case .waiting:
            return (newest.failures > 0 ? "× retrying\(attempt)" : "waiting", newest.failures > 0 ? "warn" : "quiet")
        case .done: return (newest.isUndecided && !isOver ? "done, undecided" : "done", "finished")
        case .diverged: return ("× diverged", "bad")
        case .failed: return ("× failed", "bad")
        }
    }
}

extension ExperimentContext {
    /// All members, by number.
    func memberRows() -> [MemberRow] {
        let intervals = history.genealogy.intervals
        let live = Dictionary(running.map { ($0.id, $0) }) { $1 }
        let isOver = record.state.isOver
        var rows: [MemberRow] = []
        var copies = [(count: Int, donor: IntervalID?)?](repeating: nil, count: intervals.count)
        var (scored, ended) = (Int?.none, Int?.none)
        for place in intervals.indices {
            let isFirst = place == 0 || intervals[place - 1].id.member != intervals[place].id.member
            if isFirst { (scored, ended) = (nil, nil) }
            if intervals[place].state.isFinished { ended = place }
            if intervals[place].state == .done, intervals[place].score?.isFinite == true { scored = place }
            let isLast = place + 1 == intervals.count || intervals[place + 1].id.member != intervals[place].id.member
            guard isLast else { continue }
            let newest = live[intervals[place].id] ?? intervals[place]
            let expires = newest.state == .running && !isOver ? newest.leaseExpires : nil
            let (count, donor) = copied(to: place, &copies)
            rows.append(
                MemberRow(
                    newest: newest, ended: ended.map { intervals[$0] }, scored: scored.map { intervals[$0] },
                    before: scored.flatMap { history.genealogy.parents[$0] }.flatMap { intervals[$0].score },
                    copies: count, donor: donor, piece: history.pieceOfPlace[place],
                    silent: expires.flatMap { $0 < now ? now.since($0) : nil }))
        }
        return rows
    }

    /// How often the lineage of a place was copied; remembered, so that all members together cost one walk of the tree.
    private func copied(
        to place: Int, _ known: inout [(count: Int, donor: IntervalID?)?]
    ) -> (count: Int, donor: IntervalID?) {
        var path: [Int] = []
        var current: Int? = place
        while let next = current, known[next] == nil {
            path.append(next)
            current = history.genealogy.parents[next]
        }
        var answer = current.flatMap { known[$0] } ?? (0, nil)
        for place in path.reversed() {
            if history.columns.isExploit[place] {
                answer = (answer.count + 1, history.genealogy.intervals[place].parent)
            }
            known[place] = answer
        }
        return answer
    }
}
