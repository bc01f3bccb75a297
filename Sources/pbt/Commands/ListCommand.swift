// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt list`.
struct ListCommand: PagedCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the experiments of a store.")

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var pager: PagerOptions

    func printOutput() async throws {
        let opened = try await storeOptions.open(reading: true)
        let records = try await opened.store.experiments()
        let now = StoreClock.system.now()
        if format.json {
            let rows = records.map { Self.value($0, among: records, at: now) }
            return try Output.json(.array(rows))
        }
        guard !records.isEmpty else {
            return try Output.line(
                "no experiments yet; start one with: \(Hint.command("run", "FILE", in: opened))")
        }
        try ListText(records, among: records, now: now).table.print()
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
            "baseline_of": .string(orNull: records.experiment(withBaseline: experiment.name)),
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
