// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.timeLimit(.minutes(10))) struct TerminalTests {
    private static let escape = "\u{1b}["
    private static let erase = "\r\u{1b}[K"

    @Test func `on a terminal a progress line is redrawn, fits, and is gone at the end`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4, intervals: 4)
        let (code, text) = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory,
            environment: ["TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "50", "NO_COLOR": "1"])
        #expect(code == 0)
        let drawn = text.components(separatedBy: Self.erase)
        #expect(drawn.count > 4)
        // What follows the last erasure is the answer.
        #expect(drawn.last?.hasPrefix("toy finished: best member ") == true, "\(text)")
        #expect(drawn.contains { $0.hasPrefix("toy ") && $0.contains("16/16") })
        for bar in drawn.dropFirst().dropLast() where bar.hasPrefix("toy ") {
            #expect(bar.split(separator: "\r\n").allSatisfy { $0.count < 50 }, "\(bar)")
        }
        #expect(text.contains(/00:00:\d\d best member=/))
    }

    @Test func `NO_COLOR leaves colours out, and without it there are some`() async throws {
        let place = try Workplace()
        try place.experiment()
        let plain = try await Command.onTerminal(
            ["run", "toy.yaml"], in: place.directory, environment: ["TERM": "xterm", "NO_COLOR": "1"])
        #expect(plain.text.replacing(Self.erase, with: "").contains(Self.escape) == false)
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
