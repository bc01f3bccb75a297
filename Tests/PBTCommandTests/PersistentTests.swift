// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import SystemPackage
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Programs that stay alive over intervals, started by `pbt run`.
@Suite(.timeLimit(.minutes(10))) struct PersistentTests {
    /// Where the Python client is.
    private static let python = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "python").path

    /// Trains by counting, and says in a file which processes trained what.
    private static let trainer = """
        import os, sys
        sys.path.insert(0, os.environ["CLIENT"])
        import pbt
        for interval in pbt.worker():
            if os.path.exists("gate"):
                os.read(os.open("gate", os.O_RDONLY), 3)
            depth = int((interval.checkpoint_in / "depth").read_text()) if interval.checkpoint_in else 0
            (interval.checkpoint_out / "depth").write_text(str(depth + 1))
            with open("journal", "a") as journal:
                journal.write(f"{os.getpid()} {os.environ['PBT_WORKER']} {interval.member} {interval.index}\\n")
            interval.report(score=interval.hyperparameters["x"] + depth)
        """

    private func place(_ text: String = trainer, more: String = "") throws -> Workplace {
        let place = try Workplace()
        try place.write(text + "\n", to: "train.py")
        try place.write(
            """
            name: stay
            objective: {metric: score, goal: maximize}
            population: 4
            intervals: 3
            seed: 7
            space: {x: {uniform: [0, 1]}}
            command: [/usr/bin/env, python3, train.py]
            workers: 2
            persistent: true
            \(more)
            """, to: "stay.yaml")
        return place
    }

    private var environment: [String: String] { ["CLIENT": Self.python] }

    private func journal(_ place: Workplace) throws -> [[Substring]] {
        try place.read("journal").split(separator: "\n").map { $0.split(separator: " ") }
    }

    @Test func `programs stay alive over intervals, and the run ends with the winner`() async throws {
        let place = try place(more: "baseline: random_search")
        let answer = try await place.pbt("run", "stay.yaml", environment: environment)
        #expect(answer.code == 0, "\(answer.error)")
        #expect(try await place.show("stay")["intervals"]?["done"] == 12)
        #expect(try await place.show("stay.random_search")["intervals"]?["done"] == 12)
        let lines = try journal(place)
        #expect(lines.count == 24)
        // One process for each worker and experiment at most, where a process an interval would be 24.
        #expect(Set(lines.map { $0[0] }).count <= 4)
        #expect(Set(lines.map { $0[1] }) == ["0", "1"])
        let verified = try await place.pbt("explain", "stay", "--all")
        #expect(verified.code == 0, "\(verified.error)")
        #expect(try place.names(in: "pbt.data/stay/attempts").isEmpty)
        #expect(try place.names(in: "pbt.data/stay/workers").isEmpty)
    }

    @Test func `the first Ctrl-C lets programs finish what they have, and the run resumes later`() async throws {
        let place = try place()
        let gate = try Gate(in: place)
        let run = try await Command.live(
            ["run", "stay.yaml", "--json", "--workers", "1"], in: place.directory, environment: environment
        ) { lines, process in
            try await lines.wait(for: #""event":"started""#)
            #expect(kill(process, SIGINT) == 0)
            try await lines.wait(for: "finishing the running intervals; press Ctrl-C again to stop immediately")
            try gate.open(for: 1)
        }
        #expect(run.code == 130)
        #expect(try await place.show("stay")["intervals"]?["done"] == 1)
        #expect(try await place.show("stay")["intervals"]?["running"] == 0)
        try gate.open()
        let rest = try await place.pbt("run", "stay.yaml", environment: environment)
        #expect(rest.code == 0, "\(rest.error)")
        #expect(try journal(place).count == 12)
    }

    @Test func `the second Ctrl-C ends programs at once, and their intervals are given back without a retry`()
        async throws
    {
        // Ten seconds to give back are not enough for a program that starts on a machine full of other tests.
        let place = try place(more: "retries: 0\ngrace: 2m")
        let gate = try Gate(in: place)
        let run = try await Command.live(
            ["run", "stay.yaml", "--json"], in: place.directory, environment: environment
        ) { lines, process in
            try await lines.wait(for: #""event":"started""#)
            #expect(kill(process, SIGINT) == 0)
            try await lines.wait(for: "finishing the running intervals")
            #expect(kill(process, SIGINT) == 0)
        }
        #expect(run.code == 130)
        #expect(try await place.show("stay")["intervals"]?["running"] == 0)
        try gate.open()
        let rest = try await place.pbt("run", "stay.yaml", environment: environment)
        #expect(rest.code == 0, "\(rest.error)")
        let done = try await place.show("stay")["intervals"]?["done"]
        let rows = try await place.pbt("export", "stay", "-o", "-").output
        #expect(done == 12, "\(run.lines.joined(separator: "\n"))\n\(rest.error)\n\(rows)")
    }

    @Test func `a run that was killed resumes, and the programs it left behind are ended`() async throws {
        let place = try place()
        let gate = try Gate(in: place)
        let run = try await Command.live(
            ["run", "stay.yaml", "--json"], in: place.directory, environment: environment
        ) { lines, process in
            try await lines.wait(for: #""event":"started""#)
            #expect(kill(process, SIGKILL) == 0)
        }
        #expect(run.code != 0)
        let left = try place.names(in: "pbt.data/stay/workers")
        #expect(!left.isEmpty)
        try gate.open()
        let rest = try await place.pbt("run", "stay.yaml", environment: environment)
        #expect(rest.code == 0, "\(rest.error)")
        #expect(try await place.show("stay")["intervals"]?["done"] == 12)
        #expect(try place.names(in: "pbt.data/stay/workers").isEmpty)
        let verified = try await place.pbt("explain", "stay", "--all")
        #expect(verified.code == 0, "\(verified.error)")
    }

    @Test func `a program that never begins an interval ends the run, with its last words`() async throws {
        let place = try place("raise SystemExit('no such module: torch')")
        let answer = try await place.pbt("run", "stay.yaml", "--workers", "1", environment: environment)
        #expect(answer.code == 71)
        let log = place.path("pbt.data/stay/logs/worker-0.log")
        let words = "exit 1: no such module: torch"
        #expect(
            answer.error.contains(
                "error: this worker stopped, since its program ended 5 times in a row without having begun an interval: "
                    + "\(words); its log: \(log); the intervals are left to other workers, or to the next run\n"),
            "\(answer.error)")
        #expect(answer.error.components(separatedBy: words).count == 3, "once when it happens, and once at the end")
        #expect(try await place.show("stay")["intervals"]?["waiting"] == 4)
    }

    @Test func `a program that fails at the first intervals ends the run early, and a rerun keeps the founders`()
        async throws
    {
        let place = try place(
            Self.trainer.replacing(
                "    depth = int", with: "    if not os.path.exists('fixed'): None + 'x'\n    depth = int"))
        #expect(try await place.pbt("create", "stay.yaml").code == 0)
        let broken = try await place.pbt("run", "stay.yaml", environment: environment)
        #expect(broken.code == 1)
        #expect(broken.error.contains("error: stay failed: no interval was ever done"), "\(broken.error)")
        #expect(broken.error.contains("TypeError"))
        #expect(broken.error.contains("the last lines of \(place.path("pbt.data/stay/logs/"))"), "\(broken.error)")
        let told = broken.error.split(separator: "\n").filter {
            $0.contains(" fail member=") && $0.contains("TypeError")
        }
        #expect(told.count == 1, "\(broken.error)")
        var counts = try await place.show("stay")["intervals"]
        #expect(counts?["failed"] == 0)
        #expect(counts?["waiting"] == 4)
        try place.write("", to: "fixed")
        let mended = try await place.pbt("run", "stay.yaml", environment: environment)
        #expect(mended.code == 0, "\(mended.error)")
        counts = try await place.show("stay")["intervals"]
        #expect(counts?["done"] == 12)
    }

    @Test func `an exception is the failure of its interval, and the program is started again`() async throws {
        let place = try place(
            Self.trainer.replacing(
                "    depth = int",
                with:
                    "    if interval.member == 1 and interval.attempt == 1: raise ValueError('bad luck')\n    depth = int"
            ))
        let answer = try await place.pbt("run", "stay.yaml", "--json", environment: environment)
        #expect(answer.code == 0, "\(answer.error)")
        #expect(answer.output.contains("bad luck"))
        #expect(try await place.show("stay")["intervals"]?["done"] == 12)
    }

    @Test(arguments: [
        (
            "command: [python3, train.py, \"{x}\"]",
            "has a placeholder (\"{x}\"), but persistent: true starts the program once for all intervals"
        ),
        ("timeout: 5m", "cannot be combined with persistent: true"),
    ])
    func `what makes no sense for a program that stays alive is refused`(line: String, part: String) async throws {
        let place = try place()
        let text = try place.read("stay.yaml").split(separator: "\n", omittingEmptySubsequences: false)
        let key = line.prefix { $0 != ":" }
        try place.write(
            (text.filter { !$0.hasPrefix(key) } + [Substring(line)]).joined(separator: "\n"), to: "stay.yaml")
        let answer = try await place.pbt("run", "stay.yaml", environment: environment)
        #expect(answer.code == 65)
        #expect(answer.error.contains(part), "\(answer.error)")
    }
}
