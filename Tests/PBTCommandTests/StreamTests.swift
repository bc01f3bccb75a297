// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// What goes through a pipe, and what the options for terminals change.
@Suite(.timeLimit(.minutes(10))) struct StreamTests {
    private static let calls: [[String]] = [
        ["run", "toy.yaml"], ["run", "toy.yaml", "--progress", "live", "-v"], ["run", "toy.yaml", "--json"],
        ["run", "toy.yaml", "-q"], ["check", "toy.yaml"], ["create", "toy.yaml"], ["list"], ["list", "--json"],
        ["show", "done"], ["show", "last"], ["show", "done", "--all"], ["best", "done"], ["schedule", "done"],
        ["lineage", "done"], ["lineage", "done", "--tree"], ["lineage", "done", "--survivors"],
        ["lineage", "done", "--dot"], ["explain", "done", "0@1"], ["explain", "done", "--all"],
        ["plot", "curves", "done", "-o", "-"], ["plot", "curves", "done"], ["export", "done", "-o", "json"],
        ["replay", "done"], ["push", "fresh", "x=0.5"], ["pause", "fresh"], ["resume", "fresh"],
        ["pin", "done", "0@0"],
        ["gc", "--dry-run"], ["stop", "fresh"], ["rm", "fresh", "--yes"], ["watch"], ["show", "dine"], ["--help"],
        ["run", "--help"], ["help", "exit-codes"], ["help", "man"], ["worker", "pbt.sqlite"], ["logs", "done", "0"],
        ["nonsense"],
    ]

    @Test(arguments: calls)
    func `what is piped has no escape sequence and no carriage return, whatever the terminal`(
        _ arguments: [String]
    ) async throws {
        let place = try Workplace()
        try place.experiment("fresh", population: 4)
        try place.experiment("done", population: 4)
        try place.experiment()
        #expect(try await place.pbt("create", "fresh.yaml").code == 0)
        #expect(try await place.pbt("run", "done.yaml").code == 0)
        let answer = try await Command.run(
            arguments, in: place.directory,
            environment: ["TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": "40", "LINES": "10"])
        #expect(!(answer.output + answer.error).isEmpty)
        for text in [answer.output, answer.error] {
            #expect(!text.utf8.contains(0x1b), "\(text)")
            #expect(!text.utf8.contains(0x0d), "\(text)")
        }
        let plain = try await Command.run(
            arguments, in: place.directory, environment: ["LC_ALL": "C", "COLUMNS": "40"])
        // JSON and SVG are UTF-8 by definition.
        guard !arguments.contains("json"), !arguments.contains("--json"), !arguments.contains("-") else { return }
        for text in [plain.output, plain.error] { #expect(text.utf8.allSatisfy { $0 < 0x80 }, "\(text)") }
    }

    @Test func `--color and --ascii go before the environment`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let environment = ["LANG": "C.UTF-8", "TERM": "xterm"]
        let always = try await Command.run(
            ["show", "toy", "--color", "always"], in: place.directory,
            environment: environment.merging(["NO_COLOR": "1"]) { $1 })
        #expect(always.output.hasPrefix("\u{1b}[1mtoy\u{1b}[0m"))
        let never = try await Command.onTerminal(
            ["show", "toy", "--color", "never"], in: place.directory, environment: environment)
        #expect(!never.text.utf8.contains(0x1b))
        #expect(never.text.contains("★"))
        let ascii = try await Command.onTerminal(
            ["show", "toy", "--ascii"], in: place.directory, environment: environment)
        #expect(ascii.text.contains("\u{1b}[1m"))
        #expect(ascii.text.utf8.allSatisfy { $0 < 0x80 })
        let wrong = try await place.pbt("show", "toy", "--color", "pink")
        #expect(wrong.code == 64)
    }

    @Test func `a chart without a file is drawn on a terminal, and elsewhere the file is asked for`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4, intervals: 4)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let environment = ["LANG": "C.UTF-8", "TERM": "xterm", "COLUMNS": "60"]
        for kind in ["curves", "schedule"] {
            let drawn = try await Command.onTerminal(
                ["plot", kind, "toy"], in: place.directory, environment: environment)
            #expect(drawn.code == 0, "\(drawn.text)")
            #expect(drawn.text.contains("★"))
            #expect(drawn.text.unicodeScalars.contains { ("\u{2801}"..."\u{28ff}").contains($0) })
        }
        let other = try await Command.onTerminal(
            ["plot", "lineage", "toy"], in: place.directory, environment: environment)
        #expect(other.code == 64)
        #expect(other.text.contains("only curves and schedule are drawn on a terminal"))
        let piped = try await place.pbt("plot", "curves", "toy")
        #expect(piped.code == 64)
        #expect(
            piped.error.hasPrefix(
                "error: name the output: -o FILE.svg, -o FILE.png, or -o - for SVG on standard output\n")
        )
    }
}
