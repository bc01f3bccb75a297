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

    @Test func `NO_COLOR leaves colours out, and without it there are some`() async throws {
        let place = try Workplace()
        try place.experiment()
        let plain = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory, environment: ["TERM": "xterm", "NO_COLOR": "1"])
        #expect(plain.text.firstMatch(of: /\u{1b}\[[0-9;]*m/) == nil)
        let coloured = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory, environment: ["TERM": "xterm"])
        #expect(coloured.text.contains(Self.escape + "1m"))
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
