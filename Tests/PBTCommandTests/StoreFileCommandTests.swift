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

/// The store as a file under the commands: left whole, noticed when it goes away, read where nothing may be written.
@Suite(.timeLimit(.minutes(10))) struct StoreFileCommandTests {
    private static let started = #""event":"started""#

    /// The store's file and the files next to it.
    private func storeFiles(_ place: Workplace) throws -> [String] {
        try place.names(in: ".").filter { $0.hasPrefix("pbt.sqlite") }
    }

    /// Whether this user can mount in a namespace of its own.
    private static let canMount: Bool = {
        #if os(Linux)
            var status: Int32 = -1
            guard let shell = popen("unshare -rm true 2>/dev/null", "r") else { return false }
            status = pclose(shell)
            return status == 0
        #else
            return false
        #endif
    }()

    @Test func `after every exit the store is one whole file`() async throws {
        let place = try Workplace()
        try place.experiment(population: 3, intervals: 2, workers: 3)
        try place.experiment("second", population: 1, intervals: 1)
        let commands: [([String], Int32)] = [
            (["run", "toy.yaml"], 0), (["list"], 0), (["show", "toy"], 0), (["explain", "toy", "--all"], 0),
            (["best", "toy"], 0), (["show", "nosuch"], 66), (["push", "toy", "nosuch=1"], 64),
            (["create", "second.yaml"], 0), (["worker", "pbt.sqlite", "nosuch"], 66), (["worker", "pbt.sqlite"], 0),
            (["gc"], 0), (["rm", "-f", "second"], 0), (["run", "toy.yaml", "--name", "again"], 0),
            (["run", "toy.yaml", "--name", "third", "--dashboard", "0"], 0),
        ]
        for (arguments, code) in commands {
            let answer = try await Command.run(arguments, in: place.directory)
            #expect(answer.code == code, "\(arguments): \(answer.error)")
            #expect(try storeFiles(place) == ["pbt.sqlite"], "after \(arguments)")
        }
        // Moved with its data, and nothing is lost.
        #expect(
            try await Command.shell(["-c", "mkdir new && mv pbt.sqlite pbt.data new/"], in: place.directory).code == 0)
        let moved = try await place.pbt("list", "--store", "new/pbt.sqlite", "--json")
        #expect(try Value(json: moved.output).array?.count == 3)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `after a signal the store is one whole file`(signal: Int32) async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 1)
        let gate = try Gate(in: place)
        defer { withExtendedLifetime(gate) {} }
        for command in [["run", "toy.yaml", "--json"], ["serve", "--port", "0"]] {
            _ = try await Command.live(command, in: place.directory) { lines, process in
                try await lines.wait(for: command[0] == "run" ? Self.started : "listening on")
                kill(process, signal)
                // The first Ctrl-C would wait for the interval.
                if signal == SIGINT, command[0] == "run" {
                    try await lines.wait(for: "finishing the running intervals")
                    kill(process, signal)
                }
            }
            #expect(try storeFiles(place) == ["pbt.sqlite"], "after \(command[0])")
        }
    }

    @Test func `the last of several processes leaves one whole file`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4, intervals: 3)
        _ = try await place.pbt("create", "toy.yaml")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let answer = try await place.pbt("worker", "pbt.sqlite")
                    #expect(answer.code == 0, "\(answer.error)")
                }
            }
            try await group.waitForAll()
        }
        #expect(try storeFiles(place) == ["pbt.sqlite"])
    }

    @Test(arguments: [
        "rm pbt.sqlite", "mv pbt.sqlite old.sqlite", "mv pbt.sqlite old.sqlite; cp old.sqlite pbt.sqlite",
        "mv pbt.data old.data",
    ])
    func `a run whose store goes away under it ends with 69, and its trainer with it`(change: String) async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 2)
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            try await lines.wait(for: Self.started)
            // Something of it is on the disk by now.
            try gate.open(for: 1)
            try await lines.wait(for: #""event":"done""#)
            #expect(try await Command.shell(["-c", change], in: place.directory).code == 0)
        }
        #expect(run.code == 69, "\(run.lines)")
        #expect(
            run.lines.contains { $0.hasPrefix("error: the ") && $0.contains("while it was in use") }, "\(run.lines)")
        let pids = try place.read("pids").split(separator: "\n").compactMap { pid_t(String($0)) }
        for pid in pids { #expect(kill(pid, 0) != 0 || Self.isZombie(pid)) }
        // What a rename left where it is now is whole.
        if change == "mv pbt.sqlite old.sqlite" {
            let shown = try await place.pbt("show", "toy", "--store", "old.sqlite", "--json")
            #expect(try Value(json: shown.output)["intervals"]?["done"] == 1)
        }
    }

    private static func isZombie(_ pid: pid_t) -> Bool {
        guard let status = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return true }
        return String(decoding: status, as: UTF8.self).contains(") Z ")
    }

    @Test func `a server whose store goes away under it ends with 69`() async throws {
        let place = try Workplace()
        let (code, lines, _) = try await Command.live(["serve", "--port", "0"], in: place.directory) { lines, _ in
            try await lines.wait(for: "listening on")
            try FileManager.default.removeItem(atPath: place.path("pbt.sqlite"))
        }
        #expect(code == 69)
        #expect(lines.contains { $0.contains("was removed or renamed while it was in use") }, "\(lines)")
    }

    @Test(.enabled(if: Self.canMount, "needs a mount namespace of one's own"), arguments: [true, false])
    func `everything can be looked at on a read-only mount, with a log left behind and without`(
        isKilled: Bool
    )
        async throws
    {
        let place = try Workplace()
        try place.experiment(trainer: isKilled ? "gated.sh" : "sum.sh", population: 2, intervals: 2)
        if isKilled {
            let gate = try Gate(in: place)
            _ = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, process in
                try await lines.wait(for: Self.started)
                try gate.open(for: 1)
                try await lines.wait(for: #""event":"done""#)
                kill(process, SIGKILL)
            }
            try gate.open()
            #expect(try storeFiles(place).contains("pbt.sqlite-wal"))
        } else {
            #expect(try await place.pbt("run", "toy.yaml").code == 0)
        }
        let before = try storeFiles(place)
        let looks = [
            "list", "show toy", "best toy", "schedule toy", "lineage toy", "explain toy --all", "plot curves toy -o -",
            "report toy -o \"$TMPDIR/report.html\"", "export toy --format csv",
        ]
        let script = """
            set -u
            mount --bind "$PWD" "$PWD" && mount -o remount,ro,bind "$PWD" && cd "$PWD" || exit 90
            \(looks.map { "'\(Command.executable)' \($0) > \"$TMPDIR/answer\" || { echo '\($0.prefix(12))' failed; cat \"$TMPDIR/answer\"; }" }.joined(separator: "\n"))
            '\(Command.executable)' pause toy; echo "pause ended with $?"
            ls "$TMPDIR"
            """
        let outside = try Workplace()
        let answer = try await Command.shell(
            ["-c", "export TMPDIR='\(outside.directory)'; exec unshare -rm sh -c \"$0\" 2>&1", script],
            in: place.directory)
        let lines = answer.output.split(separator: "\n").map(String.init)
        #expect(!answer.output.contains("failed"), "\(answer.output)")
        #expect(lines.contains("pause ended with 69"), "\(answer.output)")
        #expect(answer.output.contains("may only be read"))
        #expect(!answer.output.contains("pbt-store-"), "a copy was left behind: \(answer.output)")
        #expect(try storeFiles(place) == before)
    }

    @Test func `a new store and its data are their owner's only, whatever the umask`() async throws {
        let place = try Workplace()
        try place.experiment(population: 1, intervals: 1)
        let made = try await Command.shell(
            ["-c", "umask 000; '\(Command.executable)' run toy.yaml -q && stat -c '%a %n' pbt.sqlite pbt.data"],
            in: place.directory)
        #expect(made.output.hasSuffix("600 pbt.sqlite\n700 pbt.data\n"), "\(made)")
        // What somebody shares on purpose stays shared.
        let shared = try await Command.shell(
            [
                "-c",
                "umask 007; mkdir -m 770 s.data; : > s.sqlite; chmod 660 s.sqlite; "
                    + "'\(Command.executable)' run toy.yaml --store s.sqlite -q && stat -c '%a %n' s.sqlite s.data s.data/toy",
            ], in: place.directory)
        #expect(shared.output.hasSuffix("660 s.sqlite\n770 s.data\n770 s.data/toy\n"), "\(shared)")
    }
}
