// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt lineage`.
struct LineageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage",
        abstract: "Show whose checkpoints the best interval, or a member, descends from.")

    @Argument(help: "The experiment.") var experiment: String
    @Argument(help: "MEMBER or MEMBER@INTERVAL; the best interval when left out.") var member: IntervalArgument?
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let looked = try await storeOptions.look(at: experiment)
        let tip = try looked.interval(member)
        let lineage = looked.history.lineage(of: tip.id)
        if format.json {
            return try Output.json(
                .array(
                    lineage.map { interval in
                        var object = interval.looked
                        object["exploited"] = .bool(interval.isExploit)
                        return .object(object)
                    }))
        }
        let stretches = Self.stretches(of: lineage)
        try Self.table(of: stretches, in: looked).print()
        let constants = HyperparameterColumns(stretches.map { $0.first.hyperparameters }).constants
        if !constants.isEmpty { try Output.line("The same throughout: \(constants)") }
        let copies = lineage.count { $0.isExploit }
        try Output.line(
            "\(Words.count(lineage.count, "interval")) of training, \(Words.count(copies, "copy", "copies"))")
    }

    /// A part of a lineage that one member trained without a change.
    private struct Stretch {
        var first: Interval
        var last: Interval
        /// The place of the first along the lineage.
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

    private static func table(of stretches: [Stretch], in looked: Looked) -> TextTable {
        let terminal = Terminal.output
        let metric = looked.experiment.objective.metric.uppercased()
        let hyperparameters = HyperparameterColumns(stretches.map { $0.first.hyperparameters })
        var columns: [TextTable.Column] = [
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
            let before = first.parent.flatMap { looked.history.genealogy[$0] }
            let from = (before ?? first).scoreText
            let arrow = terminal.symbol("→", "->")
            var cells = [
                ScheduleText.range(stretch.place, stretch.place + stretch.count - 1), "\(first.id.member)",
                ScheduleText.range(first.id.index, last.id.index),
                first.parent?.description ?? (first.id.index == 0 ? "founder" : "restarted"),
                "\(from) \(arrow) \(last.scoreText)", replaced(by: first, in: looked),
            ]
            for (column, name) in hyperparameters.names.enumerated() {
                let operation = first.changes.first { $0.name == name }?.operation ?? ""
                cells += [hyperparameters.cells[row][column], Words.plain(operation)]
            }
            let isBest = last.id == looked.history.best?.id
            table.append(cells + [isBest ? terminal.symbol("★", "*") : ""])
        }
        return table
    }

    /// What a member had before a donor took its place: its own last interval and score.
    private static func replaced(by interval: Interval, in looked: Looked) -> String {
        guard interval.isExploit,
            let own = looked.history.genealogy[
                IntervalID(member: interval.id.member, index: interval.id.index - 1)]
        else { return "" }
        return "\(own.id) (\(own.state == .done ? own.scoreText : own.state.rawValue))"
    }
}
