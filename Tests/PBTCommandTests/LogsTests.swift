// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What trainers print: `pbt logs`, and the progress of `pbt run`.
@Suite(.timeLimit(.minutes(10))) struct LogsTests {
    /// Prints, waits at the gate, and prints again.
    private static let trainer = """
        printf 'begins %s@%s\\n' "$PBT_MEMBER" "$PBT_INTERVAL"
        printf 'step 1 of 4\\rstep 2 of 4\\033[0m\\n'
        echo begun > here
        read -r _ < gate
        echo "ends $PBT_MEMBER@$PBT_INTERVAL"
        exec sh sum.sh
        """

    private static func place(population: Int = 1, intervals: Int = 2) throws -> (Workplace, Gate, Gate) {
        let place = try Workplace()
        try place.write(trainer, to: "prints.sh")
        try place.experiment(
            trainer: "prints.sh", population: population, intervals: intervals, workers: population)
        return (place, try Gate(in: place), try Gate(in: place, named: "here"))
    }

    @Test func `the log of a member goes on from interval to interval, and ends with the experiment`() async throws {
        let (place, gate, here) = try Self.place()
        let run = try await Command.live(["run", "toy.yaml"], in: place.directory) { _, _ in
            #expect(try await here.line() == "begun")
            let follower = try await Command.live(["logs", "last", "0", "--follow"], in: place.directory) { lines, _ in
                try await lines.wait(for: "step 2 of 4")
                try gate.open(for: 1)
                try await lines.wait(for: "begins 0@1")
                try gate.open(for: 1)
            }
            #expect(follower.code == 0)
            #expect(
                follower.lines == [
                    "==> 0@0 of toy, attempt 1 <==", "begins 0@0", "step 2 of 4", "ends 0@0",
                    "==> 0@1 of toy, attempt 1 <==", "begins 0@1", "step 2 of 4", "ends 0@1",
                ])
        }
        #expect(run.code == 0)
        let printed = try await place.pbt("logs", "toy", "0@0")
        #expect(printed.output == "begins 0@0\nstep 2 of 4\nends 0@0\n")
        #expect(try await place.pbt("logs", "toy", "0@0", "--follow").output == printed.output)
        #expect(try await place.pbt("logs", "toy", "0", "--lines", "1").output == "ends 0@1\n")
        #expect(try await place.pbt("logs", "toy", "-n", "1").output == "0@1 | ends 0@1\n")
    }

    @Test func `without a member the lines of all running intervals begin with their interval`() async throws {
        let (place, gate, here) = try Self.place(population: 2)
        let run = try await Command.live(["run", "toy.yaml"], in: place.directory) { _, _ in
            for _ in 0..<2 { #expect(try await here.line() == "begun") }
            let now = try await place.pbt("logs", "toy", "-n", "1")
            #expect(now.output == "0@0 | step 2 of 4\n1@0 | step 2 of 4\n")
            let follower = try await Command.live(["logs", "toy", "-f"], in: place.directory) { lines, _ in
                try await lines.wait(for: "1@0 | step 2 of 4")
                try gate.open()
            }
            #expect(follower.code == 0)
            for member in 0..<2 {
                #expect(
                    follower.lines.filter { $0.hasPrefix("\(member)@") }
                        == (0..<2).flatMap { index in
                            ["begins \(member)@\(index)", "step 2 of 4", "ends \(member)@\(index)"]
                                .map { "\(member)@\(index) | \($0)" }
                        })
            }
        }
        #expect(run.code == 0)
    }

    @Test func `over HTTP logs are those of the server`() async throws {
        let (place, gate, here) = try Self.place()
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        let server = try await Command.live(["serve", "--port", "0"], in: place.directory) { lines, process in
            let line = try await lines.wait(for: "listening on http")
            let url = String(line.dropFirst("listening on ".count))
            let run = try await Command.live(["run", "toy.yaml"], in: place.directory) { _, _ in
                #expect(try await here.line() == "begun")
                let follower = try await Command.live(
                    ["logs", "last", "0@0", "--follow", "--store", url], in: place.directory
                ) { lines, _ in
                    try await lines.wait(for: "step 2 of 4")
                    try gate.open()
                }
                #expect(follower.code == 0)
                #expect(
                    follower.lines
                        == ["==> 0@0 of toy, attempt 1 <==", "begins 0@0", "step 2 of 4", "ends 0@0"])
            }
            #expect(run.code == 0)
            kill(process, SIGTERM)
        }
        #expect(server.code == 0)
    }

    @Test func `what has no log is named`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2)
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        let waiting = try await place.pbt("logs", "toy", "0@0")
        #expect(waiting.code == 66)
        #expect(waiting.error == "error: interval 0@0 of \"toy\" has not started, so it has no log\n")
        let member = try await place.pbt("logs", "toy", "7")
        #expect(member.code == 66)
        #expect(member.error == "error: experiment \"toy\" has no member 7; see: pbt show toy\n")
        #expect(try await place.pbt("logs", "toy").error == "no interval of toy has started\n")
        #expect(try await place.pbt("worker", "pbt.sqlite", "-q").code == 0)
        try await Command.shell(["-c", "rm pbt.data/toy/logs/*"], in: place.directory).checkSuccess()
        let gone = try await place.pbt("logs", "toy", "0@0")
        #expect(gone.code == 66)
        #expect(
            gone.error.hasSuffix(
                "error: there is no log of attempt 1 at interval 0@0 of \"toy\" here: nothing was printed yet, or the "
                    + "worker wrote it on its own machine\n"), "\(gone.error)")
    }
}

extension Command.Answer {
    /// Fails the test if the command failed.
    func checkSuccess() { #expect(code == 0, "\(error)") }
}
