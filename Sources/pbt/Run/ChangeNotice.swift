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
    func tell(_ change: Enlistment.Change) async throws {
        let name = PlainText.line(change.record.experiment.name)
        let other = hint.command(
            named: try await RunHint.freeName(like: change.record.experiment.name, in: opened.store))
        guard change.conflicts.isEmpty else {
            let lines = change.conflicts.map {
                "  \(PlainText.line($0.key)): \(PlainText.line($0.oldText)) in the store, \(PlainText.line($0.newText)) in \(hint.file)"
            }
            throw Failure(
                .badFile,
                """
                experiment "\(name)" already exists in \(Hint.text(of: opened.location)) with another definition, which \
                cannot change there:
                \(lines.joined(separator: "\n"))
                to train \(hint.file) under another name: \(other)
                to remove the old experiment: \(Hint.command("rm", change.record.experiment.name, in: opened))
                """)
        }
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
}
