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

    @Argument(help: "The updated experiment file (YAML or JSON).", completion: .file())
    var file: String

    @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
    var yes = false

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var overrides: ExperimentOverrides
    @OptionGroup var format: FormatOptions

    func run() async throws {
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
