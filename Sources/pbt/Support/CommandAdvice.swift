// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// Advice about a trainer's command and environment that assume a shell: none reads them.
struct CommandAdvice {
    /// Errors, by place: `command[0]`.
    private(set) var faults: [(path: String, argument: Int, problem: String)] = []
    /// Warnings, by place: `command[2]`, `env.PATH`.
    private(set) var warnings: [(path: String, problem: String)] = []

    /// Checks a command and its environment variables.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - environment: The trainer's own variables.
    ///   - names: The hyperparameters.
    init(command: [String], environment: [String: String], names: [String]) {
        let isScript = Self.isScript(command)
        for (i, argument) in command.enumerated() {
            check(argument, i, names: names, isScript: isScript && i > 0)
        }
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            check(value, of: name, names: names)
        }
    }

    private mutating func check(_ argument: String, _ i: Int, names: [String], isScript: Bool) {
        let path = "command[\(i)]"
        if let name = names.first(where: { argument.contains("${\($0)}") }) {
            faults.append((path, i, "\"\(argument)\": ${\(name)} becomes a dollar sign and the value; write {\(name)}"))
        }
        let whole = Self.expanded(argument)
        if i == 0, let whole {
            faults.append((path, i, "\"\(argument)\": no shell expands ~; write the full path: \(whole)"))
        } else if i == 0, let variable = Self.variable(in: argument) {
            faults.append(
                (
                    path, i,
                    "\"\(argument)\": no shell expands \(variable); write the full path, or the program's name if it is in PATH"
                ))
        } else if isScript {
            return
        } else if let whole {
            warnings.append((path, "\"\(argument)\" is passed verbatim, since no shell expands ~; write \(whole)"))
        } else if let variable = Self.variable(in: argument) {
            warnings.append(
                (
                    path,
                    "\"\(argument)\" is passed verbatim, since no shell expands \(variable); write its value, or let a shell start the program: [sh, -c, \"exec …\"]"
                ))
        } else if ["&&", "||", "|", ">", ">>", "<", ";", "&", "2>&1"].contains(argument) {
            warnings.append(
                (
                    path,
                    "\"\(argument)\" is passed to the program as an argument, since no shell reads the command; write [sh, -c, \"…\"] for one that does"
                ))
        }
    }

    private mutating func check(_ value: String, of name: String, names: [String]) {
        let path = "env.\(name)"
        if let hyperparameter = names.first(where: { value.contains("{\($0)}") }) {
            warnings.append(
                (
                    path,
                    "{\(hyperparameter)} is passed verbatim: placeholders are for the command; the program finds the value in \(SearchSpace.environmentName(of: hyperparameter))"
                ))
        } else if let whole = Self.expanded(value) {
            warnings.append((path, "\"\(value)\" is passed verbatim, since no shell expands ~; write \(whole)"))
        } else if let variable = Self.variable(in: value) {
            warnings.append(
                (path, "\"\(value)\" is passed verbatim, since nothing expands \(variable); write its value"))
        }
    }

    /// Returns true for a shell that gets a script as an argument, as in `[sh, -c, …]`.
    private static func isScript(_ command: [String]) -> Bool {
        let shells: Set = ["sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox"]
        return command.contains { argument in
            FilePath(argument).lastComponent.map { shells.contains($0.string) } ?? false
        } && command.contains { $0.hasPrefix("-") && $0.hasSuffix("c") }
    }

    /// Returns the expansion that a shell makes of `~` and `~/…`; nil for anything else.
    private static func expanded(_ text: String) -> String? {
        guard text == "~" || text.hasPrefix("~/") else { return nil }
        return (environment("HOME") ?? "/home/NAME") + text.dropFirst()
    }

    /// Returns the first `$NAME` or `${NAME}` in a string.
    private static func variable(in text: String) -> String? {
        guard let match = text.firstMatch(of: /\$(?:[A-Za-z_][A-Za-z0-9_]*|\{\{?[A-Za-z_][A-Za-z0-9_]*\}\}?)/) else {
            return nil
        }
        return String(match.output)
    }
}
