// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The ancestry of an interval, as a table from the founder on.
struct LineageText {
    private let history: History
    private let lineage: [Interval]
    private let stretches: [Stretch]

    /// Creates the ancestry of an interval.
    init(_ history: History, of id: IntervalID) {
        self.history = history
        lineage = history.lineage(of: id)
        stretches = Self.stretches(of: lineage)
    }

    /// The lines below the table.
    var notes: [String] {
        var notes: [String] = []
        let constants = HyperparameterColumns(
            stretches.map { $0.first.hyperparameters }, of: history.record.experiment.space
        ).constants
        if !constants.isEmpty { notes.append("Constant: \(constants)") }
        let copies = lineage.count { $0.isExploit }
        return notes + [
            "\(Words.count(lineage.count, "interval")) of training, \(Words.count(copies, "copy", "copies"))"
        ]
    }

    /// A part of a lineage that one member trained with unchanged hyperparameters.
    private struct Stretch {
        var first: Interval
        var last: Interval
        /// The position of the first interval along the lineage.
        var place: Int
        var count: Int
    }

    private static func stretches(of lineage: [Interval]) -> [Stretch] {
        var stretches: [Stretch] = []
        for (place, interval) in lineage.enumerated() {
            if let current = stretches.last, current.last.id.member == interval.id.member,
                current.first.hyperparameters == interval.hyperparameters
            {
                stretches[stretches.count - 1].last = interval
                stretches[stretches.count - 1].count += 1
            } else {
                stretches.append(Stretch(first: interval, last: interval, place: place, count: 1))
            }
        }
        return stretches
    }

    /// A row for each stretch with the same member and hyperparameters.
    var table: TextTable {
        let terminal = Terminal.output
        let metric = history.record.experiment.objective.metric.uppercased()
        let hyperparameters = HyperparameterColumns(
            stretches.map { $0.first.hyperparameters }, of: history.record.experiment.space)
        let jobs: [TextTable.Column] = history.hasJobs ? [.init("JOB")] : []
        var columns: [TextTable.Column] =
            jobs + [
                .init("TRAINING", .right), .init("MEMBER", .right), .init("INTERVALS", .right, rank: 2),
                .init("FROM", rank: 1),
                .init(metric), .init("REPLACED", rank: .max),
            ]
        for (place, column) in hyperparameters.columns(rank: 3).enumerated() {
            columns += [column, .init("", rank: 1000 + place)]
        }
        var table = TextTable(columns + [.init("")])
        for (row, stretch) in stretches.enumerated() {
            let (first, last) = (stretch.first, stretch.last)
            let before = first.parent.flatMap { history.genealogy[$0] }
            let from = (before ?? first).scoreText
            let arrow = terminal.symbol("→", "->")
            var cells = jobs.isEmpty ? [] : [PlainText.line(last.jobID)]
            cells += [
                ScheduleText.range(stretch.place, stretch.place + stretch.count - 1), "\(first.id.member)",
                ScheduleText.range(first.id.index, last.id.index),
                first.parent?.description ?? (first.id.index == 0 ? "founder" : "restarted"),
                "\(from) \(arrow) \(last.scoreText)", replaced(by: first),
            ]
            for (column, name) in hyperparameters.names.enumerated() {
                let operation = first.changes.first { $0.name == name }?.label ?? ""
                cells += [hyperparameters.cells[row][column], Words.plain(operation)]
            }
            let isBest = last.id == history.best?.id
            table.append(cells + [isBest ? terminal.symbol("★", "*") : ""])
        }
        return table
    }

    /// Returns the member's own interval and score that a donor's copy replaced.
    private func replaced(by interval: Interval) -> String {
        guard interval.isExploit,
            let own = history.genealogy[
                IntervalID(member: interval.id.member, index: interval.id.index - 1)]
        else { return "" }
        return "\(own.id) (\(own.state == .done ? own.scoreText : own.state.rawValue))"
    }
}
