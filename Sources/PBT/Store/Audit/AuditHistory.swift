// SPDX-License-Identifier: Apache-2.0

/// The intervals of a run as they were at earlier moments, for deriving decisions that learned from them.
final class AuditHistory {
    private let rows: [Int: [Interval]]
    private var served: (finished: Int64, revision: Int, history: IntervalHistory)?

    /// Creates the history of a run.
    init(_ intervals: [Interval]) {
        rows = Dictionary(grouping: intervals) { $0.id.index }
    }

    /// Returns the history at a moment; the same one for all decisions of that moment, which share what was learned.
    ///
    /// - Parameters:
    ///   - finished: The number of intervals that had finished.
    ///   - revision: The number of the revision in force.
    ///   - created: The intervals that earlier decisions had created.
    /// - Returns: The history.
    func history(after finished: Int64, revision: Int, created: Set<IntervalID>) -> IntervalHistory {
        if let served, served.finished == finished, served.revision == revision { return served.history }
        let rows = rows
        let history = IntervalHistory { index in
            (rows[index] ?? []).compactMap { row in
                if let sequence = row.sequence, sequence < finished { return row }
                guard created.contains(row.id) else { return nil }
                var open = row
                open.state = .waiting
                open.score = nil
                return open
            }
        }
        served = (finished, revision, history)
        return history
    }
}
