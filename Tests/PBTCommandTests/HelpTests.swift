// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Subprocess
import SystemPackage
import Testing

/// What the command says of itself: help topics, the manual page, completions.
@Suite(.timeLimit(.minutes(10))) struct HelpTests {
    private func shell(_ script: String, in place: Workplace) async throws -> Command.Answer {
        try place.write(script, to: "script.sh")
        let result = try await Subprocess.run(
            .name("bash"), arguments: ["--norc", "--noprofile", "script.sh", Command.executable.string],
            workingDirectory: place.directory, output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return Command.Answer(
            code: Command.code(result.terminationStatus), output: result.standardOutput, error: result.standardError)
    }

    @Test func `help exit-codes has every exit code`() async throws {
        let place = try Workplace()
        let answer = try await place.pbt("help", "exit-codes")
        #expect(answer.code == 0)
        #expect(
            answer.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
                == ["0", "1", "64", "65", "66", "69", "70", "71", "73", "75", "130", "143"])
    }

    @Test func `help environment has every variable, and so has the page of commands`() async throws {
        let output = try await Workplace().pbt("help", "environment").output
        let names = output.split(separator: "\n").flatMap { line in
            line.prefix(upTo: line.firstRange(of: "  ")?.lowerBound ?? line.endIndex).split(separator: ", ")
        }
        for name in ["PBT_STORE", "PBT_TOKEN", "PBT_DATA", "PBT_CHECKPOINT_HASH", "PBT_RUNTIME_DIR"] {
            #expect(names.contains { $0 == name }, "\(name)")
        }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "Documentation/commands.md"), encoding: .utf8)
        for name in names { #expect(page.contains("`\(name)`"), "\(name)") }
    }

    /// The commands below a command, with their paths.
    private func commands(_ command: Value, _ path: [String] = []) -> [(path: [String], command: Value)] {
        (command["subcommands"]?.array ?? []).flatMap { sub in
            let own = path + [sub["commandName"]?.string ?? ""]
            return own == ["help"] ? [] : [(own, sub)] + commands(sub, own)
        }
    }

    @Test func `the manual page has every command and every option`() async throws {
        let place = try Workplace()
        let page = try await place.pbt("help", "man").output
        let help = try await place.pbt("--experimental-dump-help").json()
        let all = commands(help["command"] ?? .null)
        #expect(all.count > 25)
        for (path, command) in all {
            let title = ".SS \"pbt \(path.joined(separator: " "))"
            let section = try #require(page.range(of: title), "\(path)")
            let rest = page[section.upperBound...]
            let text = rest[..<(rest.range(of: "\n.SS")?.lowerBound ?? rest.endIndex)]
            for argument in command["arguments"]?.array ?? [] {
                for name in argument["names"]?.array ?? [] where name["kind"] == "long" {
                    guard let long = name["name"]?.string, long != "help", long != "version" else { continue }
                    #expect(text.contains("\\-\\-\(long.replacing("-", with: "\\-"))"), "\(path) --\(long)")
                }
            }
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/man")))
    func `the manual page is formatted without a warning`() async throws {
        let place = try Workplace()
        try place.write(try await place.pbt("help", "man").output, to: "pbt.1")
        let answer = try await shell(
            "LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings=all -l pbt.1 | cat", in: place)
        #expect(answer.code == 0)
        #expect(answer.error == "")
        #expect(answer.output.contains("pbt run <file>"))
        #expect(answer.output.contains("EXIT STATUS"))
    }

    @Test func `help and manual page list commands under the same headings`() async throws {
        let place = try Workplace()
        let help = try await place.pbt("--help").output
        let page = try await place.pbt("help", "man").output
        for title in ["TRAIN", "INSPECT", "SERVE", "MANAGE"] {
            let listed = try #require(help.range(of: "\(title) SUBCOMMANDS:\n"), "\(title)")
            let names = help[listed.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
                .prefix { !$0.isEmpty }.filter { !$0.hasPrefix("   ") }
                .compactMap { $0.split(separator: " ").first }
            let section = try #require(page.range(of: ".SH \"\(title) SUBCOMMANDS\"\n"), "\(title)")
            let rest = page[section.upperBound...]
            let text = rest[..<(rest.range(of: "\n.SH")?.lowerBound ?? rest.endIndex)]
            #expect(!names.isEmpty)
            for name in names { #expect(text.contains(".SS \"pbt \(name)"), "\(name)") }
            #expect(names.contains("replay") == (title == "TRAIN"))
        }
    }

    @Test func `completions load in bash, and complete commands, options and experiments`() async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        #expect(try await place.pbt("create", "toy.yaml", "--name", "other").code == 0)
        let answer = try await shell(
            """
            set -e
            mkdir -p bin && ln -s "$1" bin/pbt && PATH="$PWD/bin:$PATH"
            pbt --generate-completion-script bash > completion.bash
            source completion.bash
            complete_line() {
                COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
                COMPREPLY=()
                "$(complete -p pbt | sed 's/.*-F \\([^ ]*\\).*/\\1/')" pbt "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" || true
                echo "${COMPREPLY[@]}"
            }
            complete_line pbt sch
            complete_line pbt show ""
            complete_line pbt show o
            complete_line pbt run --prog
            complete_line pbt show --store missing.sqlite ""
            """, in: place)
        #expect(answer.code == 0, "\(answer.error)")
        let lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.split(separator: " ").map(String.init)
        }
        try #require(lines.count >= 5, "\(answer.output)")
        #expect(lines[0] == ["schedule"])
        #expect(Set(["toy", "other"]).isSubset(of: lines[1]))
        #expect(lines[2] == ["other"])
        #expect(lines[3] == ["--progress"])
        #expect(!lines[4].contains("toy"))
        #expect(answer.error == "")
    }

    /// Interactive shells, how they are called, and how they are told of the completions in `_pbt`.
    ///
    /// Below a directory that everybody may write to, zsh asks whether that is meant; `-u` says so.
    private static let shells = [
        (path: "/usr/bin/zsh", call: "zsh -f", load: "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D"),
        (path: "/usr/bin/fish", call: "fish --no-config --private", load: "source _pbt"),
    ].filter { FileManager.default.isExecutableFile(atPath: $0.path) }

    @Test(.enabled(if: Tmux.isInstalled && !shells.isEmpty), arguments: shells)
    func `completions load in other shells, and complete what is typed`(
        _ shell: (path: String, call: String, load: String)
    ) async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        #expect(try await place.pbt("create", "toy.yaml", "--name", "other").code == 0)
        let name = FilePath(shell.path).lastComponent?.string ?? ""
        try place.write(try await place.pbt("--generate-completion-script", name).output, to: "_pbt")
        try await Tmux.with(shell: shell.call, in: place) { terminal in
            try await terminal.press(shell.load, "Enter")
            for (typed, whole) in [
                ("pbt sch", "pbt schedule"), ("pbt show o", "pbt show other"), ("pbt plot curves o", "curves other"),
                ("pbt run --prog", "pbt run --progress"), ("pbt run to", "pbt run toy.yaml"),
                ("pbt show --store pbt.sqlite ot", "pbt.sqlite other"),
            ] {
                try await terminal.press(typed, "Tab")
                try await terminal.wait(for: whole)
                try await terminal.press("C-u")
            }
            let screen = try await terminal.screen()
            #expect(!screen.joined().contains("error"), "\(screen)")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `there are completions for each shell`(_ shell: String) async throws {
        let place = try Workplace()
        let script = try await place.pbt("--generate-completion-script", shell)
        #expect(script.code == 0)
        #expect(script.output.contains("watch"))
        #expect(script.output.contains("---completion"))
    }
}
