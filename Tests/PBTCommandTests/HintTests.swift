// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import SystemPackage
import Testing

/// Commands that are printed: each is pasted into a shell, and does what it says.
@Suite(.timeLimit(.minutes(10))) struct HintTests {
    private static let names = ["run 1; echo oops", "$(touch pwned)", "größe 'x'", "a\"b"]

    /// Runs a printed command in a shell, with `pbt` in its path.
    private static func paste(
        _ command: String, in place: Workplace, _ environment: [String: String] = [:]
    ) async throws -> Command.Answer {
        let variables = environment.map { "export \($0.key)='\($0.value)'; " }.joined()
        let path = Command.executable.removingLastComponent()
        return try await Command.shell(
            ["-c", "PATH='\(path)':\"$PATH\"; \(variables)\(command)"], in: place.directory)
    }

    private static func write(_ name: String, to file: String, in place: Workplace) throws {
        try place.write(
            """
            name: \(Value.string(name).json)
            objective: {metric: score, goal: maximize}
            population: 2
            intervals: 2
            space: {x: {uniform: [0, 1]}}
            command: [/bin/sh, sum.sh]
            """, to: file)
    }

    @Test(arguments: names) func `after a run, with a name that a shell would take apart`(_ name: String) async throws {
        let place = try Workplace()
        try FileManager.default.createDirectory(atPath: place.path("exp dir"), withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: place.path("sum.sh"), toPath: place.path("exp dir/sum.sh"))
        try Self.write(name, to: "exp dir/e.yaml", in: place)
        let run = try await place.pbt("run", "exp dir/e.yaml")
        #expect(run.code == 0, "\(run.error)")
        let line = try #require(run.output.split(separator: "\n").first { $0.hasPrefix("  next") })
        let commands = line.dropFirst(6).split(separator: "    ").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(commands.count == 3)
        for command in commands {
            #expect(command.hasSuffix(" --store 'exp dir/pbt.sqlite'"))
            let pasted = try await Self.paste(command, in: place)
            #expect(pasted.code == 0, "\(command): \(pasted.error)")
        }
        #expect(place.has("curves.svg"))
        #expect(!place.has("pwned") && !place.has("exp dir/pwned"))
    }

    @Test func `after create, under another name, with another seed, in another store`() async throws {
        let place = try Workplace()
        try Self.write("a", to: "-e.yaml", in: place)
        let created = try await place.pbt(
            "create", "./-e.yaml", "--name", "other one", "--seed=-5", "--store", "s.sqlite")
        #expect(created.code == 0, "\(created.error)")
        let text = try #require(created.output.split(separator: "train it with: ").last)
        let commands = text.trimmingCharacters(in: .newlines).split(separator: ", or: ").map(String.init)
        #expect(
            commands == [
                "pbt run ./-e.yaml --name 'other one' --seed=-5 --store s.sqlite", "pbt worker s.sqlite 'other one'",
            ])
        for command in commands {
            let pasted = try await Self.paste(command, in: place)
            #expect(pasted.code == 0, "\(command): \(pasted.error)")
        }
        let list = try Value(json: try await place.pbt("list", "--store", "s.sqlite", "--json").output)
        #expect(list.array?.compactMap { $0["name"] } == ["other one"])
        #expect(!place.has("pbt.sqlite"))
    }

    @Test func `that the store itself names have its place too`() async throws {
        let place = try Workplace()
        try place.experiment("t t", trainer: "gated.sh", population: 1, intervals: 2)
        let gate = try Gate(in: place)
        _ = try await Command.live(["run", "t t.yaml", "--json", "--store", "s.sqlite"], in: place.directory) {
            lines, _ in
            try await lines.wait(for: #""event":"started""#)
            let refused = try await place.pbt("rm", "-f", "t t", "--store", "s.sqlite")
            #expect(
                refused.error.hasSuffix("stop it first with: pbt stop 't t' --store s.sqlite\n"), "\(refused.error)")
            let stopped = try await Self.paste("pbt stop 't t' --store s.sqlite", in: place)
            #expect(
                stopped.output == "t t is stopped; its result: pbt best 't t' --store s.sqlite\n", "\(stopped.error)")
            try gate.open()
        }
    }

    @Test func `leave the store out where the shell's PBT_STORE names it`() async throws {
        let place = try Workplace()
        try place.experiment()
        let store = ["PBT_STORE": place.path("elsewhere.sqlite")]
        let run = try await Self.paste("pbt run toy.yaml", in: place, store)
        #expect(
            run.output.contains(
                "  next           pbt schedule toy    pbt plot curves toy -o curves.svg    pbt replay toy\n"))
        let without = try await place.pbt("pause", "toy", "--store", "elsewhere.sqlite")
        #expect(without.code == 64, "\(without.error)")
        let best = try await Self.paste("pbt best toy", in: place, store)
        #expect(best.code == 0)
    }
}
