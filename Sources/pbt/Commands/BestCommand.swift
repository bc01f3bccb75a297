// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTCheckpoints
import PBTReport
import SystemPackage

/// `pbt best`.
struct BestCommand: PagedCommand {
    static let configuration = CommandConfiguration(
        commandName: "best",
        abstract: "Show the best interval: score, checkpoint, hyperparameters, and the schedule that led to it.")

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Flag(name: .long, help: "Print only the checkpoint's directory; of a Schedy job, the model_path of its results.")
    var path = false
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

    func printOutput() async throws {
        let loaded = try await storeOptions.load(experiment)
        let best = try loaded.interval(nil)
        if let download {
            let saved = try await CheckpointDownload(loaded: loaded, interval: best).save(to: download)
            return try Output.line(
                "\(best.id) is in \(PlainText.line(saved.path.string)), \(Format.bytes(saved.bytes))")
        }
        let checkpoint = loaded.checkpoint(of: best)
        if let checkpoint, let name = best.checkpoint, try FileSystem.isDirectory(checkpoint) {
            let changes = try loaded.opened.data?.changes(in: name, of: loaded.experiment.name) ?? []
            if !changes.isEmpty {
                Output.note(
                    "warning: the checkpoint of \(best.id) was changed after it was measured: "
                        + "\(CheckpointSeal.text(of: changes)) in \(checkpoint)")
            }
        }
        if path { return try Output.line(path(of: best, in: loaded)) }
        let schedule = ScheduleText(loaded.history.lineage(of: best.id), of: loaded.history.record.experiment.space)
        if format.json {
            guard case .object(var object) = loaded.bestValue else { return }
            object["name"] = .string(loaded.experiment.name)
            object["schedule"] = schedule.value
            object["comparison"] = loaded.history.verdict?.value ?? .null
            return try Output.json(.object(object))
        }
        let objective = loaded.experiment.objective
        let terminal = Terminal.output
        try Output.line(
            "\(terminal.symbol("★", "*")) \(best.id)  \(PlainText.line(objective.metric)) \(best.scoreText)"
                + (best.label.map { "  job \(PlainText.line($0))" } ?? "")
                + (loaded.record.state.isOver ? "" : "  (so far: the experiment is \(loaded.record.state.rawValue))"))
        try Output.line("checkpoint       \(loaded.checkpointText(of: best) ?? "none")")
        let hyperparameters = HyperparameterColumns.line(of: best.hyperparameters, in: loaded.experiment.space)
        try Output.line("hyperparameters  \(hyperparameters)")
        let metrics = loaded.history.otherMetrics
        if !metrics.isEmpty { try Output.line("metrics          \(OtherMetric.line(metrics))") }
        for line in EvaluationText(loaded.history).lines { try Output.line("evaluated        \(line)") }
        if let verdict = loaded.history.verdict { try Output.line("comparison       \(verdict.text)") }
        try Output.line()
        try schedule.table.print()
        if !schedule.constants.isEmpty { try Output.line("Constant: \(schedule.constants)") }
        guard terminal.isTerminal else { return }
        let file = Hint.command("schedule", loaded.experiment.name, "-o", "json", in: loaded.opened)
        try Output.line()
        try Output.line(terminal.styled("as JSON          \(file)", .dim))
        try Output.line(
            terminal.styled(
                "retrain          \(Hint.command("replay", loaded.experiment.name, in: loaded.opened))", .dim))
    }

    /// Returns the directory of the best checkpoint; of a Schedy job, the file that its results name.
    ///
    /// - Throws: A ``Failure`` when there is none, or when it is on another machine.
    private func path(of best: Interval, in loaded: LoadedExperiment) throws -> String {
        if loaded.history.keepsFilesElsewhere(best) {
            if let file = loaded.history.modelFiles(of: best).first { return file.path }
            throw Failure(
                .noResult,
                "the job \(best.jobID) of \"\(experiment)\" has no checkpoint here, since Schedy's clients keep their "
                    + "files, and its results name none (\(ModelFile.keys.joined(separator: ", ")))")
        }
        if best.checkpointState == .kept, best.checkpointName == nil {
            throw Failure(
                .noResult,
                "the checkpoint of \(best.id) has an invalid name, so there is no path to it: "
                    + (best.checkpoint.map { Value.string(String($0.prefix(100))).json } ?? "none"))
        }
        guard let checkpoint = loaded.checkpoint(of: best) else {
            if let text = loaded.checkpointText(of: best) {
                throw Failure(
                    .noResult, "the checkpoint is \(text); this machine cannot see the server's data directory")
            }
            throw Failure(.noResult, "the best interval of \"\(experiment)\", \(best.id), has no checkpoint")
        }
        return checkpoint.string
    }
}
