// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The progress of a run.
struct ProgressBar: Sendable {
    /// The number of intervals finished before this process joined.
    private let finishedBefore: Int
    private var finished = 0
    private var planned = 1
    private var failed = 0
    private var best: (id: IntervalID, score: Double)?
    private var elapsed = 0.0
    private(set) var isPaused = false

    /// Creates the progress of an experiment and its baseline.
    init(_ family: ExperimentFamily) {
        finishedBefore = family.records.reduce(0) { $0 + $1.intervalsFinished }
        update(family.records, elapsed: 0)
    }

    /// Updates the progress.
    ///
    /// - Parameters:
    ///   - records: The experiment, then its baseline.
    ///   - elapsed: The time since this process joined, in seconds.
    mutating func update(_ records: [ExperimentRecord], elapsed: Double) {
        finished = records.reduce(0) { $0 + $1.intervalsFinished }
        planned = records.reduce(0) { $0 + ($1.state.isOver ? $1.intervalsFinished : $1.intervalsPlanned) }
        failed = records.reduce(0) { $0 + ($1.counts[.failed] ?? 0) }
        isPaused = records.first?.state == .paused
        if let record = records.first, let id = record.best, let score = record.bestScore { best = (id, score) }
        self.elapsed = elapsed
    }

    /// The estimated time left in seconds, at the pace since this process joined; nil before the first interval.
    private var left: Double? {
        let done = finished - finishedBefore
        return done > 0 ? elapsed / Double(done) * Double(max(0, planned - finished)) : nil
    }

    /// The pace for the redrawn lines.
    var pace: LiveBlock.Pace {
        LiveBlock.Pace(finished: finished, planned: planned, elapsed: elapsed, left: left)
    }

    /// The line for a log: `intervals=15/300 best=0.4120 member=3@0 failed=0 elapsed=17s left=16m00s`.
    var plain: String {
        var line = "intervals=\(finished)/\(planned)"
        if let best { line += " best=\(Format.score(best.score)) member=\(best.id)" }
        if failed > 0 { line += " failed=\(failed)" }
        line += " elapsed=\(Format.duration(Duration(saturatingSeconds: elapsed)))"
        if let left { line += " left=\(Format.duration(Duration(saturatingSeconds: left)))" }
        return isPaused ? line + " paused" : line
    }
}
