// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt edit`.
struct EditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Update an experiment to match its file: budget, members, space, rules, seed.",
        discussion: """
            The experiment may be running, paused or finished. Differences are printed as old and new values; on a \
            terminal you are asked to confirm them. Running intervals finish with the definition that they started with; \
            the next decision uses the new one. Each edit is a revision: pbt show lists them, and pbt explain derives each \
            decision by the revision that was in force.
            """)

    @Argument(
        help: "The updated experiment file (YAML or JSON); with --minimize or --maximize, the experiment.",
        completion: .file())
    var file: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Declare that this result of an open manual or random search is minimized.", valueName: "metric"))
    var minimize: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Declare that this result is maximized.", valueName: "metric"))
    var maximize: String?

    @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
    var yes = false

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var overrides: ExperimentOverrides
    @OptionGroup var format: FormatOptions

    func validate() throws {
        if minimize != nil, maximize != nil { throw ValidationError("--minimize and --maximize exclude each other") }
        if (minimize ?? maximize)?.isEmpty == true { throw ValidationError("the metric must not be empty") }
    }

    func run() async throws {
        if let objective = minimize.map({ Objective.minimize($0) }) ?? maximize.map({ .maximize($0) }) {
            return try await declare(objective)
        }
        let source = try ExperimentFile(file, needsCommand: false)
        source.warn()
        let experiment = try overrides.applied(to: source.experiment)
        let opened = try await storeOptions.open(in: source.directory)
        let edit = try await DefinitionEdit(experiment, in: opened.store)
        let name = PlainText.line(experiment.name)
        let hint = overrides.hint(file, in: opened, storeDirectory: source.directory)
        guard !edit.isEmpty else {
            return try answer(edit, revision: nil, "\(name) already has this definition; nothing was changed", hint)
        }
        guard edit.obstacles.isEmpty else { throw Failure(obstacles: edit.obstacles, of: name, hint: hint) }
        if !format.json {
            for line in edit.lines { try Output.line(line) }
        }
        if !yes, Terminal.input.isTerminal, Terminal.error.isTerminal,
            !Output.confirms("apply these changes to \(name)?")
        {
            throw Failure(.noResult, "nothing was changed")
        }
        let revision = try await edit.make(in: opened.store)
        try answer(edit, revision: revision, nil, hint, after: try await opened.store.record(of: experiment.name))
    }

    /// Declares or changes the objective of an experiment in the store, which needs no file.
    private func declare(_ objective: Objective) async throws {
        let opened = try await storeOptions.open()
        let record = try await opened.store.record(of: file)
        var experiment = record.experiment
        experiment.objective = objective
        let name = PlainText.line(experiment.name)
        let obstacles = experiment.obstacles(toFollow: record.experiment)
        guard obstacles.isEmpty else {
            throw Failure(
                .usage, "\(name) cannot be edited: \(obstacles.map { PlainText.line($0) }.joined(separator: "; "))")
        }
        guard experiment != record.experiment else {
            return try Output.line("\(name) already has this objective; nothing was changed")
        }
        let revision = try await opened.store.revise(experiment)
        let after = try await opened.store.record(of: experiment.name)
        if format.json {
            return try Output.json([
                "name": .string(experiment.name), "state": .string(after.state.rawValue),
                "revision": .integer(revision.number), "edited": true, "objective": objective.value,
                "best": after.best?.value ?? .null,
            ])
        }
        let best = after.best.map { best in "best \(best) \(Format.score(after.bestScore ?? .nan))" }
        try Output.line(
            "\(name) has revision \(revision.number): \(PlainText.line(objective.metric)), \(objective.goal.words); "
                + (best ?? "no finished interval has a finite number \(PlainText.line(objective.metric))"))
    }

    private func answer(
        _ edit: DefinitionEdit, revision: Revision?, _ text: String?, _ hint: RunHint,
        after record: ExperimentRecord? = nil
    ) throws {
        let record = record ?? edit.record
        if format.json {
            return try Output.json([
                "name": .string(record.experiment.name), "state": .string(record.state.rawValue),
                "revision": .integer(revision?.number ?? record.revisionNumber), "edited": .bool(revision != nil),
                "changes": .array(
                    (revision == nil ? [] : edit.differences).map {
                        $0.value
                    }),
            ])
        }
        if let text { return try Output.line(text) }
        let name = PlainText.line(record.experiment.name)
        var words = "\(name) has revision \(revision?.number ?? 0), effective from the next decision"
        if edit.record.state.isOver, !record.state.isOver {
            let left = max(0, record.intervalsPlanned - record.intervalsFinished)
            words += "; it is running again, \(Words.count(left, "interval")) left to train: "
            words += hint.command()
        } else if record.state.isOver {
            words += "; it is \(record.state.rawValue): nothing is left to train"
        }
        try Output.line(words)
    }
}

extension Failure {
    /// Explains why an edit cannot be made, and the alternative.
    init(obstacles: [String], of name: String, hint: RunHint) {
        self.init(
            .badFile,
            "\(name) cannot be edited: \(obstacles.map { PlainText.line($0) }.joined(separator: "; ")). Give the new "
                + "definition another name: \(hint.command(named: "NEW"))")
    }
}
