// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt lineage`.
struct LineageCommand: PagedCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage",
        abstract: "Show the ancestry of the best interval, or of a member.")

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: "MEMBER or MEMBER@INTERVAL; default: the best interval.") var member: IntervalArgument?
    @Flag(name: .long, help: "Show the whole population as lanes, newest first.") var tree = false
    @Flag(name: .long, help: "The same, without extinct lineages.") var survivors = false
    @Flag(name: .long, help: "Print the whole population as a Graphviz graph (DOT).") var dot = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var pager: PagerOptions

    func validate() throws {
        let isWhole = tree || survivors || dot
        if isWhole, format.json {
            throw ValidationError("--tree, --survivors and --dot cannot be combined with --json")
        }
        if isWhole, member != nil {
            throw ValidationError("--tree, --survivors and --dot show the whole population; leave out the member")
        }
        if tree, dot { throw ValidationError("--tree and --dot exclude each other") }
    }

    func printOutput() async throws {
        let loaded = try await storeOptions.load(experiment)
        if tree || survivors || dot { return try whole(loaded.history) }
        let tip = try loaded.interval(member)
        let lineage = loaded.history.lineage(of: tip.id)
        if format.json {
            return try Output.json(
                .array(
                    lineage.map { interval in
                        var object = interval.fields
                        object["exploited"] = .bool(interval.isExploit)
                        return .object(object)
                    }))
        }
        let text = LineageText(loaded.history, of: tip.id)
        try text.table.print()
        for line in text.notes { try Output.line(line) }
    }

    /// Prints the lineages of the whole population.
    private func whole(_ history: History) throws {
        let terminal = Terminal.output
        let graph = LineageGraph(history, onlySurvivors: survivors, glyphs: terminal.glyphs)
        if dot { return try Output.write(graph.dot) }
        for line in graph.lanes {
            let shown = terminal.width.map { line.clipped(to: $0, isASCII: !terminal.isUTF8) } ?? line
            try Output.line(shown.text(terminal.styled))
        }
    }
}
