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
        let winners = try await Self.winners(of: records, in: opened)
        if format.json {
            let rows = records.map { Self.value($0, among: records, winners, at: now) }
            return try Output.json(.array(rows))
        }
        guard !records.isEmpty else {
            return try Output.line(
                "no experiments yet; start one with: \(Hint.command("run", "FILE", in: opened))")
        }
        try ListText(records, among: records, now: now, winners: winners).table.print()
        for record in records where record.state == .failed {
            try Output.line(PlainText.line("\(record.experiment.name): \(record.reason ?? "failed")"))
        }
    }

    /// Reads the best intervals of the experiments whose definition names metrics.
    private static func winners(
        of records: [ExperimentRecord], in opened: OpenStore
    ) async throws -> [String: Interval] {
        var winners: [String: Interval] = [:]
        for record in records where record.experiment.metrics?.isEmpty == false {
            guard let best = record.best else { continue }
            do {
                winners[record.experiment.name] = try await opened.store.interval(best, of: record.experiment.name)
            } catch let error as PBTError where [.noSuchExperiment, .noSuchInterval].contains(error.code) {
                // Deleted since the list was read.
                continue
            }
        }
        return winners
    }

    private static func value(
        _ record: ExperimentRecord, among records: [ExperimentRecord], _ winners: [String: Interval], at now: Timestamp
    ) -> Value {
        let experiment = record.experiment
        var best = Value.null
        if let id = record.best, let score = record.bestScore {
            var object: [String: Value] = [
                "member": .integer(id.member), "interval": .integer(id.index), "score": .number(score),
            ]
            if let names = experiment.metrics, let winner = winners[experiment.name] {
                object["metrics"] = .object(winner.metrics.filter { names.contains($0.key) })
            }
            best = .object(object)
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
