// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// How far a run is, in one line.
struct ProgressBar: Sendable {
    private let name: String
    private let objective: Objective
    /// How many intervals were finished when this process joined.
    private let finishedBefore: Int
    private var finished = 0
    private var planned = 1
    private var failed = 0
    private var best: (id: IntervalID, score: Double)?
    private var elapsed = 0.0
    private var isPaused = false

    /// A bar for an experiment and its baseline.
    init(_ family: ExperimentFamily) {
        name = family.main.experiment.name
        objective = family.main.experiment.objective
        finishedBefore = family.records.reduce(0) { $0 + $1.intervalsFinished }
        update(family.records, elapsed: 0)
    }

    /// Takes in how far the experiment (first) and its baseline are.
    ///
    /// - Parameters:
    ///   - records: Both.
    ///   - elapsed: How long this process has been at it, in seconds.
    mutating func update(_ records: [ExperimentRecord], elapsed: Double) {
        finished = records.reduce(0) { $0 + $1.intervalsFinished }
        planned = records.reduce(0) { $0 + ($1.state.isOver ? $1.intervalsFinished : $1.intervalsPlanned) }
        failed = records.reduce(0) { $0 + ($1.counts[.failed] ?? 0) }
        isPaused = records.first?.state == .paused
        if let record = records.first, let id = record.best, let score = record.bestScore { best = (id, score) }
        self.elapsed = elapsed
    }

    /// How long it will take yet, at the pace since this process joined; none before the first interval.
    private var left: Double? {
        let done = finished - finishedBefore
        return done > 0 ? elapsed / Double(done) * Double(max(0, planned - finished)) : nil
    }

    private var share: Double {
        min(1, Double(finished) / Double(max(1, planned)))
    }

    /// The line where lines stay: `intervals=15/300 best=0.4120 member=3@0 failed=0 elapsed=17s left=16m00s`.
    var plain: String {
        var line = "intervals=\(finished)/\(planned)"
        if let best { line += " best=\(Format.score(best.score)) member=\(best.id)" }
        if failed > 0 { line += " failed=\(failed)" }
        line += " elapsed=\(Format.duration(.seconds(elapsed)))"
        if let left { line += " left=\(Format.duration(.seconds(left)))" }
        return isPaused ? line + " paused" : line
    }

    /// A time without fractions, which would flicker.
    private static func whole(_ seconds: Double) -> String {
        seconds < 59.5 ? "\(Int(seconds.rounded()))s" : Format.duration(.seconds(seconds))
    }

    /// The line that is redrawn, no wider than a terminal.
    ///
    /// - Parameter width: The terminal's width in columns.
    /// - Returns: A line without a line feed, with colours where the terminal has them.
    func live(width: Int) -> String {
        let terminal = Terminal.error
        var text = " \(Int(share * 100))%  \(finished)/\(planned)"
        if let best { text += "  best \(Format.score(best.score))" }
        if isPaused { text += "  paused" }
        text += "  \(Self.whole(elapsed))"
        if let left { text += ", \(Self.whole(left)) left" }
        // The last column stays free: some terminals wrap as soon as it is written to.
        let room = width - 1 - PlainText.columns(of: text)
        let title = PlainText.middle(PlainText.line(name), width: max(4, room / 2), isASCII: !terminal.isUTF8) + " "
        let cells = min(40, room - PlainText.columns(of: title))
        guard cells >= 5 else {
            return room >= 0 ? text : PlainText.middle(text, width: max(1, width - 1), isASCII: !terminal.isUTF8)
        }
        let full = Int(share * Double(cells))
        let bar =
            terminal.styled(String(repeating: terminal.symbol("━", "#"), count: full), .green)
            + terminal.styled(String(repeating: terminal.symbol("─", "-"), count: cells - full), .dim)
        return title + bar + text
    }
}
