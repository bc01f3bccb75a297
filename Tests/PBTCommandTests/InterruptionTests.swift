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

@Suite(.timeLimit(.minutes(10))) struct InterruptionTests {
    private static let started = #""event":"started""#

    /// Whether a process runs; one that only waits to be reaped does not.
    private static func isAlive(_ text: some StringProtocol) -> Bool {
        guard let pid = pid_t(String(text)), kill(pid, 0) == 0 else { return false }
        #if os(Linux)
            do {
                let status = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                return !status.contains(") Z ") && !status.contains(") X ")
            } catch {
                return false
            }
        #else
            return true
        #endif
    }

    /// The experiment is trained to its end once the gate is open, each interval exactly once.
    private func finish(_ place: Workplace, _ gate: Gate, intervals: Int) async throws -> Command.Answer {
        try gate.open()
        let answer = try await place.pbt("run", "toy.yaml")
        #expect(answer.code == 0, "\(answer.error)")
        let shown = try await place.show("toy")
        #expect(shown["intervals"]?["done"] == .integer(intervals))
        #expect(shown["state"] == "finished")
        return answer
    }

    @Test func `the first Ctrl-C finishes the running intervals, and the run resumes later`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 3)
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, process in
            try await lines.wait(for: Self.started)
            #expect(kill(process, SIGINT) == 0)
            try await lines.wait(for: "finishing the running intervals; press Ctrl-C again to stop immediately")
            try gate.open(for: 1)
        }
        #expect(run.code == 130)
        #expect(run.lines.last == "stopped after 1 of 3 intervals; rerun the same command to resume")
        #expect(try await place.show("toy")["intervals"]?["done"] == 1)
        let rest = try await finish(place, gate, intervals: 3)
        #expect(rest.error.contains("Z resume experiment=toy finished=1/3 members=1 "))
    }

    @Test(arguments: [SIGUSR1, SIGUSR2])
    func `a signal by which clusters announce an end finishes the running intervals, however often it comes`(
        _ signal: Int32
    ) async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 3)
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, process in
            try await lines.wait(for: Self.started)
            #expect(kill(process, signal) == 0)
            try await lines.wait(for: "finishing the running intervals")
            #expect(kill(process, signal) == 0)
            try gate.open(for: 1)
        }
        #expect(run.code == 130)
        #expect(run.lines.last == "stopped after 1 of 3 intervals; rerun the same command to resume")
        _ = try await finish(place, gate, intervals: 3)
    }

    @Test func `a signal that the parent ignores is left ignored`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 2)
        let gate = try Gate(in: place)
        try place.write("trap '' USR1; exec \"$1\" run toy.yaml --json\n", to: "ignoring.sh")
        let here = try Gate(in: place, named: "here")
        async let answer = Command.shell(["ignoring.sh", Command.executable.string], in: place.directory)
        let trainer = try #require(pid_t(try await here.line()))
        // The trainer's parent is the run.
        let status = try await Command.shell(["-c", "ps -o ppid= -p \(trainer)"], in: place.directory)
        let process = try #require(pid_t(status.output.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(kill(process, SIGUSR1) == 0)
        try gate.open()
        _ = try await here.line()
        #expect(try await answer.code == 0)
        #expect(try await place.show("toy")["intervals"]?["done"] == 2)
    }

    @Test func `the second Ctrl-C stops at once, ends the trainer, and costs no retry`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 2, more: "retries: 0")
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, process in
            try await lines.wait(for: Self.started)
            #expect(kill(process, SIGINT) == 0)
            try await lines.wait(for: "finishing the running intervals")
            #expect(kill(process, SIGINT) == 0)
        }
        #expect(run.code == 130)
        #expect(run.lines.last == "stopped after 0 of 2 intervals; rerun the same command to resume")
        #expect(run.lines.contains { $0.contains(#""event":"released""#) })
        if place.has("pids") {
            for pid in try place.read("pids").split(separator: "\n") { #expect(!Self.isAlive(pid)) }
        }
        #expect(try place.names(in: "pbt.data/toy/attempts").isEmpty)
        _ = try await finish(place, gate, intervals: 2)
    }

    @Test(arguments: [SIGTERM, SIGHUP])
    func `SIGTERM and SIGHUP stop immediately, and the run resumes later`(_ signal: Int32) async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 2, intervals: 2, workers: 2)
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, process in
            try await lines.wait(for: Self.started)
            try await lines.wait(for: Self.started)
            #expect(kill(process, signal) == 0)
        }
        #expect(run.code == 143)
        let shown = try await place.show("toy")
        #expect(shown["intervals"]?["waiting"] == 2)
        #expect(shown["intervals"]?["running"] == 0)
        _ = try await finish(place, gate, intervals: 4)
    }

    @Test func `after kill -9 the run resumes immediately, and the orphaned trainer is gone`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 2)
        let gate = try Gate(in: place)
        let here = try Gate(in: place, named: "here")
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { _, process in
            let trainer = try await here.line()
            #expect(kill(process, SIGKILL) == 0)
            return trainer
        }
        #expect(run.code == -SIGKILL)
        #expect(Self.isAlive(run.value))
        let again = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            let lost = try Value(json: try await lines.wait(for: #""event":"lost""#))
            #expect(lost["retries_left"] == 2)
            #expect(!Self.isAlive(run.value))
            try gate.open()
        }
        #expect(again.code == 0)
        #expect(try await place.show("toy")["intervals"]?["done"] == 2)
        withExtendedLifetime(here) {}
    }

    @Test func `when the reader of the events goes away, the run stops and leaves no trainer behind`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 2, intervals: 60, workers: 2)
        let gate = try Gate(in: place)
        try gate.open()
        try place.write(
            "{ \"$1\" run toy.yaml --json; echo $? > code; } | while read -r line; do case $line in *'\"done\"'*) break ;; esac; done\n",
            to: "head.sh")
        let answer = try await Command.shell(["head.sh", Command.executable.string], in: place.directory)
        #expect(
            answer.error.hasSuffix(
                "error: standard output was closed; rerun the same command to resume\n"),
            "\(answer.error)")
        #expect(try place.read("code") == "143\n")
        for pid in try place.read("pids").split(separator: "\n") { #expect(!Self.isAlive(pid)) }
        _ = try await finish(place, gate, intervals: 120)
    }

    @Test func `a run that is started by a program that ignores the ends of its children sees those of its own`()
        async throws
    {
        let place = try Workplace()
        try place.experiment()
        try place.write("trap '' CHLD; exec \"$1\" run toy.yaml -q\n", to: "ignoring.sh")
        let answer = try await Command.shell(["ignoring.sh", Command.executable.string], in: place.directory)
        #expect(answer.code == 0, "\(answer.error)")
        #expect(try await place.show("toy")["intervals"]?["done"] == 6)
    }

    @Test func `an interrupted check leaves nothing behind`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh")
        let gate = try Gate(in: place)
        try FileManager.default.createDirectory(atPath: place.path("temporary"), withIntermediateDirectories: false)
        let check = try await Command.live(
            ["check", "toy.yaml"], in: place.directory, environment: ["TMPDIR": place.path("temporary")]
        ) { lines, process in
            try await lines.wait(for: "training interval 0: a founder")
            #expect(kill(process, SIGINT) == 0)
        }
        #expect(check.code == 130)
        #expect(check.lines.last == "error: interrupted")
        #expect(try place.names(in: "temporary").isEmpty)
        withExtendedLifetime(gate) {}
    }

    @Test func `a worker heeds signals as a run does`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 2)
        let gate = try Gate(in: place)
        let here = try Gate(in: place, named: "here")
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        let worker = try await Command.live(["worker", "pbt.sqlite", "--wait", "-v"], in: place.directory) {
            lines, process in
            try await lines.wait(for: "serving all experiments")
            _ = try await here.line()
            #expect(kill(process, SIGINT) == 0)
            try await lines.wait(for: "finishing the running intervals")
            try gate.open()
        }
        #expect(worker.code == 130)
        #expect(worker.lines.last == "stopped; rerun the same command to resume")
    }

    @Test func `a paused run is not begun, a stopped one ends its trainers`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 3)
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            try await lines.wait(for: Self.started)
            #expect(try await place.pbt("pause", "toy").output == "toy is paused; resume it with: pbt resume toy\n")
            try gate.open(for: 1)
            try await lines.wait(for: #""event":"done""#)
            let other = try await place.pbt("run", "toy.yaml")
            #expect(other.code == 75)
            #expect(other.error == "error: toy is paused; resume it: pbt resume toy && pbt run toy.yaml\n")
            #expect(try await place.pbt("resume", "toy").output == "toy is resumed\n")
            try await lines.wait(for: Self.started)
            #expect(try await place.pbt("stop", "toy").code == 0)
        }
        #expect(run.code == 0)
        let result = try Value(json: try #require(run.lines.last))
        #expect(result["reason"] == "stopped by the user")
        #expect(result["intervals"]?["done"] == 1)
    }
}
