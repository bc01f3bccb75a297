// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints

/// The definition and command in a parsed experiment file, and all problems of either.
struct FileReading {
    /// The warnings.
    private(set) var warnings: [DocumentError] = []
    /// The line of the command, from 1; 0 when there is none.
    private(set) var commandLine = 0
    private var experiment: Experiment?
    private var faults: [DocumentError] = []

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - document: The file's content.
    ///   - directory: The command's working directory, unless the file sets one; absolute.
    ///   - needsCommand: Rejects a file without a command, unless it has no objective: clients train those.
    init(_ document: Document, directory: String, needsCommand: Bool) {
        do {
            experiment = try Experiment(document: document, directory: directory)
        } catch {
            faults = [error] + error.more
        }
        if let experiment { warnings = experiment.advice(in: document) }
        guard case .object(let entries) = document.content else { return }
        if let entry = entries.first(where: { $0.name == "command" }), case .list(let parts) = entry.content.content {
            commandLine = entry.line
            check(parts, at: entry.line, entries)
        } else if needsCommand, experiment?.objective.isDeclared != false,
            !entries.contains(where: { nearest(to: $0.name, among: ["command"]) != nil })
        {
            faults.append(
                DocumentError(
                    line: 1, path: "command",
                    problem: "is missing; write for example: command: [python3, train.py, \"{args}\"]"))
        }
    }

    /// Returns the experiment.
    ///
    /// - Throws: A `DocumentError` with all problems, in order of line.
    func result() throws(DocumentError) -> Experiment {
        let sorted = faults.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            .map(\.element)
        if var first = sorted.first {
            first.more = Array(sorted.dropFirst())
            throw first
        }
        guard let experiment else { throw DocumentError(line: 0, path: "", problem: "cannot be read") }
        return experiment
    }

    /// Checks the arguments of a command against the search space.
    private mutating func check(_ parts: [Document], at line: Int, _ entries: [Document.Entry]) {
        let command = parts.map { $0.value.string ?? $0.value.json }
        let space: SearchSpace
        if let experiment {
            space = experiment.space
        } else {
            // The names alone: a placeholder for a hyperparameter that has an error of its own is valid.
            guard let document = entries.first(where: { $0.name == "space" })?.content else { return }
            let names = Set(SearchSpace.names(in: document))
            guard !names.isEmpty else { return }
            space = SearchSpace(Dictionary(uniqueKeysWithValues: names.map { ($0, .free()) }))
        }
        func place(_ argument: Int) -> Int {
            parts.indices.contains(argument) ? parts[argument].line : line
        }
        for (argument, text) in CommandTemplate.problems(in: command, space: space) {
            faults.append(DocumentError(line: place(argument), path: "", problem: "command[\(argument)] \(text)"))
        }
        let advice = CommandAdvice(
            command: command, environment: experiment?.trainer?.environment ?? [:], names: space.definedNames)
        for (path, argument, problem) in advice.faults {
            faults.append(DocumentError(line: place(argument), path: path, problem: problem))
        }
        for (path, problem) in advice.warnings {
            let named = entries.first { $0.name == "env" && path.hasPrefix("env.") }
            warnings.append(DocumentError(line: named?.line ?? line, path: path, problem: problem))
        }
    }
}
