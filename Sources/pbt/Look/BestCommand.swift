// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTCheckpoints
import PBTReport
import SystemPackage

/// `pbt best`.
struct BestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "best",
        abstract: "Show the best interval: score, checkpoint, hyperparameters, and the schedule that led to it.")

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Flag(name: .long, help: "Print the checkpoint's directory only.") var path = false
    @Option(
        name: .long, help: "Copy the checkpoint into this directory, which must not exist yet.", completion: .directory)
    var download: String?
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var pager: PagerOptions

    func validate() throws {
        if download != nil, path || format.json {
            throw ValidationError("--download excludes --path and --json; with JSON: pbt download EXP DIR --json")
        }
        if path, format.json { throw ValidationError("--path and --json exclude each other") }
    }

    func run() async throws {
        try await pager.page { try await answer() }
    }

    private func answer() async throws {
        let looked = try await storeOptions.look(at: experiment)
        let best = try looked.interval(nil)
        if let download {
            let saved = try await CheckpointDownload(looked: looked, interval: best).save(to: download)
            return try Output.line(
                "\(best.id) is in \(PlainText.line(saved.path.string)), \(Format.bytes(saved.bytes))")
        }
        let checkpoint = looked.checkpoint(of: best)
        if let checkpoint, let name = best.checkpoint, try FileSystem.isDirectory(checkpoint) {
            let changes = try looked.opened.data?.changes(in: name, of: looked.experiment.name) ?? []
            if !changes.isEmpty {
                Output.note(
                    "warning: the checkpoint of \(best.id) was changed after it was measured: "
                        + "\(CheckpointSeal.text(of: changes)) in \(checkpoint)")
            }
        }
        if path {
            if best.checkpointState == .kept, best.checkpointName == nil {
                throw Failure(
                    .noResult,
                    "the checkpoint of \(best.id) has a name that no attempt publishes, so there is no path to it: "
                        + (best.checkpoint.map { Value.string(String($0.prefix(100))).json } ?? "none"))
            }
            if checkpoint == nil, let text = looked.checkpointText(of: best) {
                throw Failure(
                    .noResult, "the checkpoint is \(text); this machine does not see the server's data directory")
            }
            guard let checkpoint else {
                throw Failure(.noResult, "the best interval of \"\(experiment)\", \(best.id), has no checkpoint")
            }
            return try Output.line(checkpoint.string)
        }
        let schedule = ScheduleText(looked.history.lineage(of: best.id))
        if format.json {
            guard case .object(var object) = looked.bestValue else { return }
            object["name"] = .string(looked.experiment.name)
            object["schedule"] = schedule.value
            return try Output.json(.object(object))
        }
        let objective = looked.experiment.objective
        let terminal = Terminal.output
        try Output.line(
            "\(terminal.symbol("★", "*")) \(best.id)  \(PlainText.line(objective.metric)) \(best.scoreText)"
                + (looked.record.state.isOver ? "" : "  (so far: the experiment is \(looked.record.state.rawValue))"))
        try Output.line("checkpoint       \(looked.checkpointText(of: best) ?? "none")")
        try Output.line("hyperparameters  \(HyperparameterColumns.line(of: best.hyperparameters))")
        try Output.line()
        try schedule.table.print()
        if !schedule.constants.isEmpty { try Output.line("The same throughout: \(schedule.constants)") }
        guard terminal.isTerminal else { return }
        let file = Hint.command("schedule", looked.experiment.name, "-o", "json", in: looked.opened)
        try Output.line()
        try Output.line(terminal.styled("as a file        \(file)", .dim))
        try Output.line(
            terminal.styled(
                "from scratch     \(Hint.command("replay", looked.experiment.name, in: looked.opened))", .dim))
    }
}
