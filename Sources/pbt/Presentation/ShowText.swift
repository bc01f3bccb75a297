// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The output of `pbt show` for people.
struct ShowText {
    let loaded: LoadedExperiment
    let members: [MemberStanding]
    private let terminal = Terminal.output

    init(loaded: LoadedExperiment, members: [MemberStanding]) {
        self.loaded = loaded
        self.members = members
    }

    private var experiment: Experiment { loaded.experiment }
    private var history: History { loaded.history }

    /// The number of members shown without `--all`.
    private static let limit = 20

    /// Prints the output.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print(all: Bool) throws {
        try printHead()
        let shown = all ? members : Array(members.prefix(Self.limit))
        guard !shown.isEmpty else { return try Output.line("no members yet") }
        let hyperparameters = HyperparameterColumns(shown.map(\.shown.hyperparameters), of: experiment.space)
        try Output.line()
        try table(of: shown, hyperparameters).print()
        if members.count > shown.count {
            try Output.line("\(members.count - shown.count) more: --all")
        }
        if !hyperparameters.constants.isEmpty {
            try Output.line("The same for \(all ? "all" : "these"): \(hyperparameters.constants)")
        }
    }

    private func printHead() throws {
        let record = loaded.record
        var title = terminal.styled(PlainText.line(experiment.name), .bold) + "  \(record.state.rawValue)"
        if let base = loaded.baselineOf { title += "  (baseline of \(PlainText.line(base)))" }
        title += "  since \(record.created)"
        if let ended = record.ended {
            title += ", until \(ended) (\(Format.duration(ended.since(record.created))))"
        }
        try Output.line(title)
        if let reason = record.reason { try line("because", reason) }
        try line("metric", metric)
        try line("method", method)
        let space = experiment.space.definedNames.map { name in
            let length = experiment.space.arrays[name].map { "[\($0)]" } ?? ""
            return "\(name)\(length) \(experiment.space.definition(of: name)?.words ?? "")"
        }
        try line("space", space.joined(separator: "   "))
        try line("intervals", intervals)
        try line("result", result)
        if experiment.kind == .populationBasedTraining {
            try line(
                "",
                "founders left \(history.families.foundersLeft) of \(history.families.founders)   copies \(history.copies)"
            )
        }
        let metrics = history.otherMetrics
        if !metrics.isEmpty { try line("metrics", OtherMetric.line(metrics, atMost: 8)) }
        for text in EvaluationText(history).lines { try line("evaluated", text) }
        if let verdict = history.verdict { try line("comparison", verdict.text) }
        try printSparkline()
        try printSchedules()
        try printRevisions()
    }

    /// Prints each edit of the definition: its time, the interval it took effect after, and its changes.
    private func printRevisions() throws {
        for (before, revision) in zip(loaded.revisions, loaded.revisions.dropFirst()) {
            let changes = revision.experiment.differences(from: before.experiment).map(\.description)
            try line(
                "revision \(revision.number)",
                "\(revision.time), after \(Words.count(Int(revision.after), "interval")): "
                    + changes.joined(separator: ", "))
        }
    }

    private func line(_ name: String, _ text: String) throws {
        let padding = String(repeating: " ", count: max(0, 11 - name.count))
        try Output.line((name.isEmpty ? "" : terminal.styled(name, .dim)) + padding + Words.plain(PlainText.line(text)))
    }

    private var metric: String {
        guard experiment.objective.isDeclared else {
            return "no objective: nothing is ranked; declare one with: "
                + Hint.command("edit", experiment.name, "--minimize", "METRIC", in: loaded.opened)
        }
        return "\(experiment.objective.metric), \(experiment.objective.goal.words)"
    }

    private var method: String {
        var parts = [experiment.kind.words]
        if experiment.kind == .populationBasedTraining {
            parts += [experiment.exploit.words, experiment.exploreWords]
        }
        if experiment.isSynchronous { parts.append("synchronous") }
        if experiment.waitsForCertainty {
            parts.append(experiment.patience == nil ? "decides when certain" : "decides when certain, with patience")
        } else if experiment.decides == .late {
            parts.append("decides late")
        }
        if experiment.isOpen { parts.append("open") }
        return (parts + ["seed \(experiment.seed)"]).joined(separator: ", ")
    }

    private var intervals: String {
        let counts = Interval.State.allCases.compactMap { state in
            loaded.record.counts[state].flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
        }
        return "\(loaded.record.intervalsFinished) of \(loaded.record.intervalsPlanned) finished: "
            + counts.joined(separator: ", ")
    }

    private var result: String {
        guard let best = history.best else {
            return loaded.record.intervalsFinished == 0 ? "no finished interval yet" : "no interval has a score"
        }
        let job = best.label.map { " (job \($0))" } ?? ""
        var parts = ["best \(terminal.symbol("★", "*")) \(best.id)\(job) \(best.scoreText)"]
        let scores = members.compactMap(\.score).sorted()
        if !scores.isEmpty {
            let middle = scores.count / 2
            let median = scores.count % 2 == 1 ? scores[middle] : scores[middle - 1] / 2 + scores[middle] / 2
            parts.append("median \(Format.score(median))")
        }
        return parts.joined(separator: "   ")
    }

    private func printSparkline() throws {
        let numbers = history.bestByIndex
        guard numbers.count > 1 else { return }
        try line("best", Sparkline.text(numbers, isASCII: !terminal.isUTF8) + "  by interval")
    }

    /// Prints the numeric hyperparameters that changed along the best lineage.
    private func printSchedules() throws {
        guard let best = history.best else { return }
        let lineage = history.lineage(of: best.id)
        let changing = experiment.space.names.compactMap { name -> (String, [Double])? in
            let numbers = lineage.compactMap { $0.hyperparameters[name]?.double }
            guard numbers.count == lineage.count, numbers.contains(where: { $0 != numbers.first }) else { return nil }
            return (name, numbers)
        }
        for (name, numbers) in changing.prefix(4) {
            guard let first = numbers.first, let last = numbers.last else { continue }
            let isLog = experiment.space[name]?.isLogarithmic ?? false
            let heights = isLog ? numbers.map { $0 > 0 ? Mathematics.log($0) : .nan } : numbers
            let label = PlainText.middle(PlainText.line(name), width: 10, isASCII: !terminal.isUTF8)
            try line(
                label,
                Sparkline.text(heights, width: 24, isASCII: !terminal.isUTF8)
                    + "  \(first.short) to \(last.short)\(isLog ? " (log)" : ""), along the best lineage")
        }
    }

    private func table(of shown: [MemberStanding], _ hyperparameters: HyperparameterColumns) -> TextTable {
        // Without an objective the results themselves, since none of them is the score.
        let results = experiment.objective.isDeclared ? nil : OtherMetric.numeric(in: shown.map(\.shown)).prefix(6)
        let scored =
            results?.map { TextTable.Column(PlainText.line($0).uppercased(), .right, rank: 1) }
            ?? [.init(experiment.objective.metric.uppercased(), .right)]
        let jobs: [TextTable.Column] = history.hasJobs ? [.init("JOB", canShrink: false)] : []
        var table = TextTable(
            jobs + [.init("MEMBER", .right), .init(""), .init("INTERVAL", .right, rank: 1)] + scored
                + hyperparameters.columns(rank: 2)
                + [.init("COPIES", .right, rank: .max - 1), .init("FROM", rank: .max), .init("STATE")])
        let scores =
            results?.map { name in Format.column(shown.map { $0.shown.metrics[name]?.double }) }
            ?? [Format.column(shown.map(\.score))]
        for (row, member) in shown.enumerated() {
            let (copies, origin) = ancestry(of: member.shown)
            let star = member.shown.id == history.best?.id ? terminal.symbol("★", "*") : ""
            table.append(
                (jobs.isEmpty ? [] : [PlainText.line(member.shown.jobID)])
                    + ["\(member.shown.id.member)", star, "\(member.shown.id.index)"] + scores.map { $0[row] }
                    + hyperparameters.cells[row] + ["\(copies)", origin, member.words])
        }
        return table
    }

    /// Returns the number of copies along its lineage, and the latest donor's interval.
    private func ancestry(of interval: Interval) -> (copies: Int, origin: String) {
        let lineage = history.lineage(of: interval.id)
        let donor = lineage.last { $0.isExploit }?.parent
        let origin = donor?.description ?? (lineage.first?.id.index == 0 ? "founder" : "restarted")
        return (lineage.count { $0.isExploit }, origin)
    }
}
