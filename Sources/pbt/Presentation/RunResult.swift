// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import SystemPackage

/// The result of a run.
struct RunResult {
    /// The experiment.
    let loaded: LoadedExperiment
    private let opened: OpenStore
    /// The experiment and its baseline.
    private let family: ExperimentFamily

    /// Reads the result.
    ///
    /// - Throws: A ``PBTError`` when the store cannot be read.
    init(of family: ExperimentFamily, in opened: OpenStore) async throws {
        self.family = try await ExperimentFamily(family.main.experiment.name, in: opened.store)
        loaded = try await LoadedExperiment(family.main.experiment.name, in: opened)
        self.opened = opened
    }

    private var name: String { loaded.experiment.name }

    /// The exit code for the result.
    var status: ExitStatus {
        loaded.history.best == nil || loaded.record.state == .failed ? .noResult : .done
    }

    /// The result as a JSON object, with the keys of `pbt show --json` where it has the same values.
    var value: Value {
        let record = loaded.record
        var object: [String: Value] = [
            "event": "result", "name": .string(name), "state": .string(record.state.rawValue),
            "reason": .string(orNull: record.reason),
            "objective": [
                "metric": .string(loaded.experiment.objective.metric),
                "goal": .string(loaded.experiment.objective.goal.rawValue),
            ],
            "population": .integer(loaded.experiment.population), "intervals": record.countsValue, "best": .null,
            "seconds": .number((record.ended ?? StoreClock.system.now()).since(record.created).seconds),
            "failures": LostIntervals(loaded.intervals).value,
        ]
        if let best = loaded.history.best {
            object["best"] = [
                "member": .integer(best.id.member), "interval": .integer(best.id.index), "score": .score(best.score),
                "hyperparameters": best.hyperparameters.value,
                "checkpoint": .string(orNull: loaded.checkpoint(of: best)?.string),
                "metrics": .object(best.metrics), "evaluations": .array(best.evaluations.map(\.value)),
            ]
            object["schedule"] =
                ScheduleText(loaded.history.lineage(of: best.id), of: loaded.history.record.experiment.space).value
        }
        if let baseline = family.baseline {
            object["baseline"] = [
                "name": .string(baseline.experiment.name), "state": .string(baseline.state.rawValue),
                "score": .score(baseline.bestScore),
                "comparison": loaded.history.verdict?.value ?? .null,
            ]
        }
        return .object(object)
    }

    /// The result on one line: the state, and the best score.
    var line: String {
        let title = "\(PlainText.line(name)) \(loaded.record.state.rawValue)"
        guard let best = loaded.history.best else { return title }
        return
            "\(title): best member \(best.id), \(PlainText.line(loaded.experiment.objective.metric)) \(best.scoreText)"
    }

    /// The length of a printed result.
    enum Length {
        /// One line.
        case line
        /// The line, and where the checkpoint is.
        case withPath
        /// All of it, with the schedule.
        case full
    }

    /// Prints the result to standard output.
    ///
    /// - Parameter length: How much of it.
    /// - Throws: A ``Failure`` when it cannot be written.
    func print(_ length: Length) throws {
        let record = loaded.record
        let title = PlainText.line(name)
        let took = Format.duration((record.ended ?? StoreClock.system.now()).since(record.created))
        if status != .done { FailureText(loaded).write() }
        guard let best = loaded.history.best, let score = best.score else { return }
        let metric = PlainText.line(loaded.experiment.objective.metric)
        let state = record.state.rawValue
        try Output.line(
            (Terminal.output.isTerminal ? Terminal.output.styled(Terminal.output.glyphs.done, .green) + " " : "")
                + Terminal.output.styled("\(title) \(state)", .bold)
                + ": best member \(best.id), \(metric) \(Format.score(score)), after \(took)")
        let lost = LostIntervals(loaded.intervals)
        guard length != .line else {
            if record.state != .failed, lost.intervals > 0 {
                Output.note("\(Terminal.error.styled("warning:", .yellow)) \(PlainText.line(lost.text))")
            }
            return
        }
        if let reason = record.reason { try row("ended", reason) }
        try printCheckpoint(of: best)
        guard length == .full else { return }
        if loaded.experiment.evaluate != nil, best.evaluations.isEmpty {
            try row("evaluate", "not yet, so another may win: \(Hint.command("evaluate", name, in: opened))")
        }
        let metrics = loaded.history.otherMetrics
        if !metrics.isEmpty { try row("metrics", OtherMetric.line(metrics, atMost: 8)) }
        for line in EvaluationText(loaded.history).lines { try row("evaluated", line) }
        if let verdict = loaded.history.verdict { try row("comparison", verdict.text) }
        let counts = Interval.State.allCases.compactMap { state in
            record.counts[state].flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
        }
        try row(
            "intervals", counts.joined(separator: ", ") + ", \(Words.count(loaded.history.copies, "copy", "copies"))")
        if lost.attempts > 0 { try row("failures", lost.text) }
        let next = [
            Hint.command("schedule", name, in: opened),
            Hint.command("plot", "curves", name, "-o", "curves.svg", in: opened),
            Hint.command("replay", name, in: opened),
        ]
        try row("next", next.joined(separator: "    "))
        try Output.line()
        try printSchedule(of: best.id)
    }

    /// Prints where the checkpoint is; for one that this machine cannot see, the command that gets it.
    private func printCheckpoint(of best: Interval) throws {
        guard let text = loaded.checkpointText(of: best) else { return }
        try row("checkpoint", text)
        guard loaded.checkpoint(of: best) == nil, best.checkpointName != nil else { return }
        let directory = "\(DataDirectory.directoryName(of: name))-best"
        try row("download", Hint.command("download", name, directory, in: opened))
    }

    private func row(_ title: String, _ text: String) throws {
        try Output.line("  \(title)\(String(repeating: " ", count: max(1, 15 - title.count)))\(text)")
    }

    /// Prints the schedule in short: a row for each stretch with the same values, the middle omitted.
    private func printSchedule(of id: IntervalID) throws {
        let schedule = ScheduleText(loaded.history.lineage(of: id), of: loaded.history.record.experiment.space)
        var table = schedule.table
        let most = 12
        if table.rows.count > most {
            let hidden = most / 2..<table.rows.count - most / 2
            let row = ["... \(hidden.count) more"] + repeatElement("", count: table.columns.count - 1)
            table.rows.replaceSubrange(hidden, with: [row])
        }
        try table.print()
        if !schedule.constants.isEmpty { try Output.line("constant: \(schedule.constants)") }
    }
}
