// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt list`.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the experiments of a store.")

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let records = try await storeOptions.open().store.experiments()
        let now = StoreClock.system.now()
        if format.json {
            let rows = records.map { Self.value($0, among: records, at: now) }
            return try Output.json(.array(rows))
        }
        guard !records.isEmpty else {
            return try Output.line("no experiments yet; start one with: pbt run FILE")
        }
        var table = TextTable([
            .init("EXPERIMENT"), .init("KIND", rank: 4), .init("STATE"), .init("MEMBERS", .right, rank: 3),
            .init("INTERVALS", .right), .init("BEST"), .init("STARTED", rank: 2), .init("TOOK", .right, rank: 1),
        ])
        let terminal = Terminal.output
        // The rest needs about 40 columns.
        let room = terminal.width.map { max($0 - 40, 12) } ?? .max
        for record in records {
            let experiment = record.experiment
            let base = Looked.baselineOf(experiment.name, among: records)
            table.append([
                PlainText.middle(PlainText.line(experiment.name), width: room, isASCII: !terminal.isUTF8),
                experiment.kind.words + (base.map { ", baseline of \($0)" } ?? ""),
                record.state.rawValue, "\(experiment.population)",
                "\(record.intervalsFinished)/\(record.intervalsPlanned)",
                record.bestScore.map { "\(experiment.objective.metric) \(Format.score($0))" } ?? "-",
                record.created.description, Format.duration((record.ended ?? now).since(record.created)),
            ])
        }
        try table.print()
        for record in records where record.state == .failed {
            try Output.line(PlainText.line("\(record.experiment.name): \(record.reason ?? "failed")"))
        }
    }

    private static func value(
        _ record: ExperimentRecord, among records: [ExperimentRecord], at now: Timestamp
    ) -> Value {
        let experiment = record.experiment
        var best = Value.null
        if let id = record.best, let score = record.bestScore {
            best = ["member": .integer(id.member), "interval": .integer(id.index), "score": .number(score)]
        }
        return [
            "name": .string(experiment.name), "kind": .string(experiment.kindName),
            "baseline_of": .string(orNull: Looked.baselineOf(experiment.name, among: records)),
            "state": .string(record.state.rawValue), "reason": .string(orNull: record.reason),
            "population": .integer(experiment.population), "intervals": record.countsValue,
            "intervals_finished": .integer(record.intervalsFinished),
            "intervals_planned": .integer(record.intervalsPlanned), "best": best,
            "created": .string(record.created.description),
            "ended": .string(orNull: record.ended?.description),
            "seconds": .number((record.ended ?? now).since(record.created).seconds),
        ]
    }
}
