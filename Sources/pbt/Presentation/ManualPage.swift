// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// The manual page, made from what the commands themselves say: `pbt help man | man -l -`.
struct ManualPage {
    private let command: Value

    /// The page of the command as it is.
    ///
    /// - Throws: A `JSONError` when what the argument parser says cannot be read.
    init() throws {
        command = try Value(json: Pbt._dumpHelp())["command"] ?? .null
    }

    /// The page in the language of `man`.
    var text: String {
        var page = [
            ".TH PBT 1 \"\" \"pbt \(Version.current)\" \"User Commands\"", ".SH NAME",
            "pbt \\- \(Self.escaped(command["abstract"]?.string ?? ""))", ".SH SYNOPSIS", ".B pbt", ".I subcommand",
            "[options]", ".SH DESCRIPTION",
        ]
        page += Self.paragraphs(command["discussion"]?.string)
        page.append(".SH COMMANDS")
        for command in command["subcommands"]?.array ?? [] { page += Self.lines(of: command, above: []) }
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
            // Every command has these.
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

    /// Text that means itself: no hyphen becomes another dash, and no line begins with a request.
    private static func escaped(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\"", with: "\\(dq")
            .replacing("…", with: "...").replacing("’", with: "\\(aq")
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}
