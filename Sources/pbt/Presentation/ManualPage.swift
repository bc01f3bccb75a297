// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// The manual page, generated from the commands' help: `pbt help man | man -l -`.
struct ManualPage {
    private let command: Value
    private let groups: [CommandGroup]

    /// Creates the page.
    ///
    /// - Parameters:
    ///   - help: The help that the argument parser dumps as JSON.
    ///   - groups: The subcommands with their headings.
    /// - Throws: A `JSONError` when the help is not JSON.
    init(help: String, groups: [CommandGroup]) throws {
        command = try Value(json: help)["command"] ?? .null
        self.groups = groups
    }

    /// The page as troff source with the man macros.
    var text: String {
        var page = [
            ".TH PBT 1 \"\" \"pbt \(Version.current)\" \"User Commands\"", ".SH NAME",
            "pbt \\- \(Self.escaped(command["abstract"]?.string ?? ""))", ".SH SYNOPSIS", ".B pbt", ".I subcommand",
            "[options]", ".SH DESCRIPTION",
        ]
        page += Self.paragraphs(command["discussion"]?.string)
        let commands = command["subcommands"]?.array ?? []
        for group in groups {
            page.append(".SH \"\(Self.escaped(group.name.uppercased())) SUBCOMMANDS\"")
            for subcommand in group.subcommands {
                let name = subcommand.configuration.commandName
                for command in commands where command["commandName"]?.string == name {
                    page += Self.lines(of: command, above: [])
                }
            }
        }
        page += [".SH EXIT STATUS"]
        for (code, meaning) in HelpTopic.codes { page += [".TP", ".B \(code)", Self.escaped(meaning)] }
        page.append(".SH ENVIRONMENT")
        for (name, meaning) in HelpTopic.variables { page += [".TP", ".B \(name)", Self.escaped(meaning)] }
        page += [".SH EXAMPLES"]
        for example in ["pbt check experiment.yaml", "pbt run experiment.yaml", "pbt best last"] {
            page += [".PP", ".B \(Self.escaped(example))"]
        }
        return page.joined(separator: "\n") + "\n"
    }

    private static func lines(of command: Value, above: [String]) -> [String] {
        guard let name = command["commandName"]?.string, name != "help", command["shouldDisplay"] != false else {
            return []
        }
        let path = above + [name]
        let arguments = (command["arguments"]?.array ?? []).filter { $0["shouldDisplay"] != false }
        let positional = arguments.filter { $0["kind"] == "positional" }.map { argument in
            let name = "<\(argument["valueName"]?.string ?? "")>" + (argument["isRepeating"] == true ? " ..." : "")
            return argument["isOptional"] == true ? "[\(name)]" : name
        }
        var lines = [".SS \"\(escaped("pbt " + (path + positional).joined(separator: " ")))\""]
        lines += paragraphs(command["abstract"]?.string) + paragraphs(command["discussion"]?.string)
        for argument in arguments {
            let names = (argument["names"]?.array ?? []).compactMap { name in
                name["name"]?.string.map { (name["kind"] == "long" ? "--" : "-") + $0 }
            }
            // Every command has these options.
            if names.contains("--help") || names == ["--version"] { continue }
            let value = argument["valueName"]?.string ?? ""
            let head =
                names.isEmpty
                ? "<\(value)>" : names.joined(separator: ", ") + (argument["kind"] == "option" ? " <\(value)>" : "")
            let usual = argument["defaultValue"]?.string.map { " (default: \($0))" } ?? ""
            lines += [".TP", ".B \(escaped(head))"] + paragraphs((argument["abstract"]?.string ?? "") + usual)
        }
        for subcommand in command["subcommands"]?.array ?? [] { lines += Self.lines(of: subcommand, above: path) }
        return lines
    }

    private static func paragraphs(_ text: String?) -> [String] {
        (text ?? "").split(separator: "\n").map { escaped(String($0)) }
    }

    /// Escapes text: no hyphen becomes another dash, and no line starts with a request.
    private static func escaped(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\"", with: "\\(dq")
            .replacing("…", with: "...").replacing("’", with: "\\(aq")
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}
