// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Experiments as a table.
struct ListText {
    private let records: [ExperimentRecord]
    private let all: [ExperimentRecord]
    private let now: Timestamp
    /// The best intervals of the experiments whose definition names metrics, by name.
    private let winners: [String: Interval]
    private let terminal = Terminal.output

    /// Creates a table of experiments.
    ///
    /// - Parameters:
    ///   - records: The rows.
    ///   - all: All experiments of the store, among which a baseline's experiment is found.
    ///   - now: The store's time.
    ///   - winners: The best intervals of experiments whose definition names metrics, by name.
    init(
        _ records: [ExperimentRecord], among all: [ExperimentRecord], now: Timestamp, winners: [String: Interval] = [:]
    ) {
        self.winners = winners
        self.records = records
        self.all = all
        self.now = now
    }

    /// The table; times are relative on a terminal, and absolute elsewhere.
    var table: TextTable {
        var table = TextTable([
            .init("EXPERIMENT"), .init("KIND", rank: 4), .init("STATE"), .init("MEMBERS", .right, rank: 3),
            .init("INTERVALS", .right), .init("BEST"), .init("STARTED", rank: 2), .init("TOOK", .right, rank: 1),
        ])
        // The rest needs about 40 columns.
        let room = terminal.width.map { max($0 - 40, 12) } ?? .max
        for record in records {
            let experiment = record.experiment
            let base = all.experiment(withBaseline: experiment.name)
            table.append([
                PlainText.middle(PlainText.line(experiment.name), width: room, isASCII: !terminal.isUTF8),
                experiment.kind.words + (base.map { ", baseline of \($0)" } ?? ""),
                record.state.rawValue, "\(experiment.population)",
                "\(record.intervalsFinished)/\(record.intervalsPlanned)",
                best(of: record),
                terminal.isTerminal ? Words.ago(record.created, now) : record.created.description,
                Format.duration((record.ended ?? now).since(record.created)),
            ])
        }
        return table
    }

    /// Returns the best score, and the metrics that the definition names.
    private func best(of record: ExperimentRecord) -> String {
        guard let score = record.bestScore else { return "-" }
        let experiment = record.experiment
        let metrics = winners[experiment.name].map { OtherMetric.all(of: experiment, $0) } ?? []
        return "\(experiment.objective.metric) \(Format.score(score))"
            + (metrics.isEmpty ? "" : ", \(OtherMetric.line(metrics, atMost: 3))")
    }

    /// Returns the header, and a line for each experiment.
    func lines(width: Int) -> [StyledLine] {
        table.text(width: width, isASCII: !terminal.isUTF8)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated()
            .map { place, line in
                let isFailed = place > 0 && records[place - 1].state == .failed
                return StyledLine(
                    terminal.glyphs.text(String(line)), place == 0 ? .dim : isFailed ? .red : nil)
            }
    }
}
