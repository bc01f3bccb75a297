// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.timeLimit(.minutes(10))) struct TerminalTests {
    private static let escape = "\u{1b}["
    @Test func `on a terminal a block is redrawn, the cursor comes back, and the answer follows`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4, intervals: 4)
        let (code, text) = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory,
            environment: ["TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "50", "NO_COLOR": "1"])
        #expect(code == 0)
        let parts = text.components(separatedBy: Self.escape)
        #expect(parts.count > 4)
        #expect(parts.contains { $0.hasPrefix("?25l") })
        // What follows the cursor's return is the answer.
        #expect(parts.last?.hasPrefix("?25h✓ toy finished: best member ") == true, "\(text)")
        #expect(text.contains("16/16 intervals ━━━"))
        #expect(text.contains(/00:00:\d\d  best    \d@\d  score 0\.\d+/))
    }

    @Test func `NO_COLOR leaves colors out, and without it there are some`() async throws {
        let place = try Workplace()
        try place.experiment()
        let plain = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory, environment: ["TERM": "xterm", "NO_COLOR": "1"])
        #expect(plain.text.firstMatch(of: /\u{1b}\[[0-9;]*m/) == nil)
        let colored = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory, environment: ["TERM": "xterm"])
        #expect(colored.text.contains(Self.escape + "1m"))
    }

    @Test(arguments: [["TERM": "dumb"], [:], ["TERM": "xterm", "CI": "true", "NO_COLOR": "1"]])
    func `a dumb terminal, and one of a CI machine, gets plain lines`(_ environment: [String: String]) async throws {
        let place = try Workplace()
        try place.experiment()
        let (code, text) = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory, environment: environment)
        #expect(code == 0)
        #expect(!text.utf8.contains(0x1b))
        #expect(text.contains("Z best member="))
    }

    @Test(arguments: [
        (["PAGER": "sed s/^/P:/"], ["show", "toy"], true),
        (["PBT_PAGER": "sed s/^/P:/", "PAGER": "cat"], ["show", "toy"], true),
        (["PAGER": "sed s/^/P:/"], ["show", "toy", "--no-pager"], false), (["PAGER": "sed s/^/P:/"], ["list"], false),
        (["PBT_PAGER": "", "PAGER": "sed s/^/P:/"], ["show", "toy"], false),
        (["PAGER": "cat"], ["show", "toy"], false),
        (["PAGER": "no-such-program-here 2>/dev/null"], ["show", "toy"], false),
        (["PAGER": "sed s/^/P:/", "TERM": "dumb"], ["show", "toy"], false),
    ])
    func `an answer that is longer than the terminal goes through the pager`(
        _ environment: [String: String], _ arguments: [String], _ isPaged: Bool
    ) async throws {
        let place = try Workplace()
        try place.experiment(population: 12)
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        let (code, text) = try await Command.onTerminal(
            arguments, in: place.directory,
            environment: ["TERM": "xterm", "LINES": "12", "LANG": "C.UTF-8", "NO_COLOR": "1"].merging(environment) {
                $1
            })
        #expect(code == 0)
        let lines = text.split(separator: "\r\n")
        #expect(lines.count > (arguments == ["list"] ? 1 : 12), "\(text)")
        #expect(lines.allSatisfy { $0.hasPrefix("P:") == isPaged }, "\(text)")
        // What is piped never does.
        let piped = try await Command.run(arguments, in: place.directory, environment: environment)
        #expect(!piped.output.contains("P:"))
        #expect(piped.code == 0)
    }

    @Test(.enabled(if: Tmux.isInstalled && FileManager.default.isExecutableFile(atPath: "/usr/bin/less")))
    func `a long answer is read in less, which Ctrl-C does not end`() async throws {
        let place = try Workplace()
        try place.experiment(population: 20)
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        try await Tmux.with(["show", "toy"], in: place, size: (80, 10)) { terminal in
            try await terminal.wait(for: "the first screen") { $0.last == ":" && $0.first?.hasPrefix("toy ") == true }
            try await terminal.press("C-c", "G")
            try await terminal.wait(for: "(END)")
            try await terminal.press("q")
            try await terminal.wait(for: "code 0")
            #expect(try place.read("after") == place.read("before"))
        }
    }

    @Test(arguments: [("y\n", 0), ("n\n", 1), ("\n", 1)])
    func `rm asks, and deletes only after a yes`(_ typed: String, _ code: Int32) async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let answer = try await Command.onTerminal(
            ["rm", "toy"], in: place.directory, environment: ["TERM": "dumb"], typed: typed)
        #expect(answer.code == code, "\(answer.text)")
        #expect(answer.text.contains("delete toy with "))
        #expect(answer.text.contains(code == 0 ? "deleted toy, " : "error: nothing was deleted"))
        #expect(try await place.pbt("show", "toy").code == (code == 0 ? 66 : 0))
        #expect(place.has("pbt.data/toy") == (code != 0))
    }
}
