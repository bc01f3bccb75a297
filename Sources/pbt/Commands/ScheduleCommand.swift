// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt schedule`.
struct ScheduleCommand: PagedCommand {
    /// The output formats of a schedule.
    enum Form: String, CaseIterable, ExpressibleByArgument {
        case table, json, yaml, csv
    }

    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Print the hyperparameter schedule of the best interval, or of a member, along its lineage.")

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: "MEMBER or MEMBER@INTERVAL; default: the best interval.") var member: IntervalArgument?
    @Option(name: [.short, .customLong("output")], help: "table, json, yaml or csv.") var output: Form = .table
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var pager: PagerOptions

    func printOutput() async throws {
        let loaded = try await storeOptions.load(experiment)
        let tip = try loaded.interval(member)
        let schedule = ScheduleText(loaded.history.lineage(of: tip.id), of: loaded.history.record.experiment.space)
        switch format.json ? .json : output {
        case .json: try Output.json(schedule.value)
        case .yaml: try Output.write(schedule.yaml)
        case .csv: try Output.write(schedule.csv)
        case .table:
            try schedule.table.print()
            if !schedule.constants.isEmpty { try Output.line("Constant: \(schedule.constants)") }
        }
    }
}
