// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Tells how a file differs from the experiment of its name in the store, before anything is trained or changed.
struct ChangeNotice: Sendable {
    /// How the file is run.
    let hint: RunHint
    /// The store.
    let opened: OpenStore

    /// Writes to standard error what differs and what that means.
    ///
    /// - Throws: A ``Failure`` when something differs that cannot change.
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
                \(name) is finished; its result is that of the definition in the store, from which \(hint.file) differs:
                \(lines)
                to train \(hint.file) under another name: \(other)
                """)
        } else if change.record.intervalsFinished > 0, isOtherProgram {
            Output.warn(
                """
                \(hint.file) changes \(name) after \(Words.count(change.record.intervalsFinished, "interval")); the others \
                continue from checkpoints of the old program:
                \(lines)
                to train \(hint.file) as a new experiment instead: \(other)
                """)
        } else {
            Output.note("\(hint.file) changes \(name):\n\(lines)")
        }
    }
    /// Edits the experiment if the user wants that.
    ///
    /// - Throws: A ``Failure`` that says how, when nobody can be asked, the answer is no, or the edit cannot be made.
    private func settle(_ change: Registration.Change, _ other: String) async throws {
        let name = PlainText.line(change.record.experiment.name)
        let obstacles = change.experiment.obstacles(toFollow: change.record.experiment)
        let lines = change.conflicts.map {
            "  \(PlainText.line($0.key)): \(PlainText.line($0.oldText)) in the store, \(PlainText.line($0.newText)) in \(hint.file)"
        }
        let head = "experiment \"\(name)\" already exists in \(Hint.text(of: opened.location)) with another definition"
        let renamed = "to train \(hint.file) under another name: \(other)"
        let removed =
            "to remove the old experiment: \(Hint.command("rm", change.record.experiment.name, in: opened))"
        guard obstacles.isEmpty else {
            throw Failure(
                .badFile,
                ([head + ", which cannot change there:"] + obstacles.map { "  \(PlainText.line($0))" }
                    + [renamed, removed]).joined(separator: "\n"))
        }
        let differences = ([head + ":"] + lines).joined(separator: "\n")
        guard Terminal.input.isTerminal, Terminal.error.isTerminal else {
            let edit = "to change it from the next decision on: \(hint.command(to: "edit"))"
            throw Failure(.badFile, [differences, edit, renamed, removed].joined(separator: "\n"))
        }
        Output.note(differences)
        guard DefinitionEdit.isConfirmed("change it from the next decision on?") else {
            throw Failure(.noResult, "nothing was changed; \(renamed)")
        }
        _ = try await DefinitionEdit(change.experiment, in: opened.store).make(in: opened.store)
    }
}
