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
        let text = LineageText(looked.history, of: tip.id)
        try text.table.print()
        for line in text.notes { try Output.line(line) }
    }
}
