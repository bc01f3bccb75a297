// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The notice that a file differs from the store's experiment of that name, given before anything is trained or changed.
struct ChangeNotice: Sendable {
    /// The command line.
    let hint: RunHint
    /// The store.
    let opened: OpenStore

    /// Prints the differences and their effect to standard error.
    ///
    /// - Throws: A ``Failure`` for a difference that is not allowed.
    func tell(_ change: Registration.Change) async throws {
        let name = PlainText.line(change.record.experiment.name)
        let other = hint.command(
            named: try await RunHint.freeName(like: change.record.experiment.name, in: opened.store))
        guard change.conflicts.isEmpty else { return try await settle(change, other) }
        let lines = change.differences.map { "  \(PlainText.line($0.description))" }.joined(separator: "\n")
        let programs: Set = ["command", "directory", "env"]
        let isOtherProgram = change.differences.contains { programs.contains($0.topLevelKey) }
        if change.record.state == .finished {
            Output.warn(
                """
                \(name) is finished with the definition in the store, from which \(hint.file) differs:
                \(lines)
                to train \(hint.file) under another name: \(other)
                """)
        } else if change.record.intervalsFinished > 0, isOtherProgram {
            Output.warn(
                """
                \(hint.file) changes \(name) after \(Words.count(change.record.intervalsFinished, "interval")); the remaining ones \
                continue from checkpoints of the old program:
                \(lines)
                to train \(hint.file) as a new experiment instead: \(other)
                """)
        } else {
            Output.note("\(hint.file) changes \(name):\n\(lines)")
        }
    }

    /// Edits the experiment if the user confirms it.
    ///
    /// - Throws: A ``Failure`` with the alternatives when there is no terminal, the answer is no, or the edit is not
    ///   allowed.
    private func settle(_ change: Registration.Change, _ other: String) async throws {
        let name = PlainText.line(change.record.experiment.name)
        let obstacles = change.experiment.obstacles(toFollow: change.record.experiment)
        let lines = change.conflicts.map {
            "  \(PlainText.line($0.key)): \(PlainText.line($0.oldText)) in the store, \(PlainText.line($0.newText)) in \(hint.file)"
        }
        let head =
            "experiment \"\(name)\" already exists in \(Hint.text(of: opened.location)) with a different definition"
        let renamed = "to train \(hint.file) under another name: \(other)"
        let removed =
            "to remove the old experiment: \(Hint.command("rm", change.record.experiment.name, in: opened))"
        guard obstacles.isEmpty else {
            throw Failure(
                .badFile,
                ([head + ", which cannot be edited:"] + obstacles.map { "  \(PlainText.line($0))" }
                    + [renamed, removed]).joined(separator: "\n"))
        }
        let differences = ([head + ":"] + lines).joined(separator: "\n")
        guard Terminal.input.isTerminal, Terminal.error.isTerminal else {
            let edit = "to edit it, effective from the next decision: \(hint.command(to: "edit"))"
            throw Failure(.badFile, [differences, edit, renamed, removed].joined(separator: "\n"))
        }
        Output.note(differences)
        guard Output.confirms("edit it, effective from the next decision?") else {
            throw Failure(.noResult, "nothing was changed; \(renamed)")
        }
        _ = try await DefinitionEdit(change.experiment, in: opened.store).make(in: opened.store)
    }
}

extension Registration {
    /// Creates the experiment of a file or finds it, and tells how the file differs from the store's definition.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - opened: The store.
    ///   - isRetrying: Retries a failed experiment.
    ///   - hint: The command line, for messages.
    /// - Throws: A ``Failure`` for a difference that is not allowed or not wanted, or a ``PBTError``.
    init(
        _ experiment: Experiment, in opened: OpenStore, retrying isRetrying: Bool, hint: RunHint
    ) async throws {
        let notice = ChangeNotice(hint: hint, opened: opened)
        try await self.init(experiment, in: opened, retrying: isRetrying) { try await notice.tell($0) }
    }
}
