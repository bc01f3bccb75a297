// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A trainer, result or checkpoint that is wrong, and what the log of the run says about it.
struct BrokenTrainer: Sendable, CustomTestStringConvertible {
    let what: String
    let script: String
    let more: String
    /// What happened, as the run says it.
    let event: String
    let reason: String

    init(_ what: String, _ script: String, more: String = "", event: String = "fail", _ reason: String) {
        self.what = what
        self.script = script
        self.more = more
        self.event = event
        self.reason = reason
    }

    var testDescription: String { what }

    static let all = [
        BrokenTrainer("one that exits with an error", "exit 3", "exit 3 (it printed nothing)"),
        BrokenTrainer(
            "one that says why", "echo starting; echo 'CUDA out of memory' >&2; exit 1", "exit 1: CUDA out of memory"),
        BrokenTrainer("one that crashes", "kill -SEGV $$", "killed by signal 11 (it printed nothing)"),
        BrokenTrainer(
            "one that is killed", "kill -KILL $$", "killed by signal 9 (maybe out of memory) (it printed nothing)"),
        BrokenTrainer(
            "one that hangs", "read -r _ < gate", more: "timeout: 200ms", "timed out after 0.2s (it printed nothing)"),
        BrokenTrainer(
            "one that reports nothing", "exit 0",
            "it exited with 0 but wrote no results: write a JSON object such as {\"score\": 0.5} to the file named by "
                + "PBT_RESULTS, or print it between lines --- RESULTS --- and --- END RESULTS ---"),
        BrokenTrainer(
            "results that are no JSON", "echo score: 1 > $PBT_RESULTS",
            "the results file cannot be read as JSON: line 1, column 1: expected a value"),
        BrokenTrainer(
            "results that are a number", "echo 1 > $PBT_RESULTS",
            "the results file must be a JSON object such as {\"score\": 0.5}, not a number"),
        BrokenTrainer(
            "results without the metric", "echo '{\"scroe\": 1}' > $PBT_RESULTS",
            "the results file lacks the objective's metric \"score\"; did you mean \"scroe\"? There are \"scroe\""),
        BrokenTrainer(
            "a metric that is text", "echo '{\"score\": \"good\"}' > $PBT_RESULTS",
            "the results file: the metric \"score\" must be a number, not a string (\"good\")"),
        BrokenTrainer(
            "a score that is no number", "echo '{\"score\": NaN}' > $PBT_RESULTS", event: "diverged", "the score is nan"
        ),
        BrokenTrainer(
            "a score without end", "echo '{\"score\": -Infinity}' > $PBT_RESULTS", event: "diverged",
            "the score is -inf"),
    ]
}

@Suite(.timeLimit(.minutes(10))) struct TrainerTests {
    @Test(arguments: BrokenTrainer.all)
    func `a trainer that goes wrong is named with its reason and its log, and the run ends without a result`(
        _ trainer: BrokenTrainer
    ) async throws {
        let place = try Workplace()
        let gate = try Gate(in: place)
        try place.write(trainer.script + "\n", to: "wrong.sh")
        try place.experiment(trainer: "wrong.sh", population: 1, intervals: 1, more: "retries: 0\n\(trainer.more)")
        let answer = try await place.pbt("run", "toy.yaml")
        let log = place.path("pbt.data/toy/logs/m0000-i0000-a1.log")
        let line =
            " \(trainer.event) member=0@0 attempt=1\(trainer.event == "fail" ? " retries_left=0" : "") reason=\(Value.string(trainer.reason).json) log=\(log)\n"
        #expect(answer.error.contains(line), "\(answer.error)")
        #expect(answer.error.contains("error: toy failed: no interval was ever done; the last one: "))
        #expect(answer.error.hasSuffix("when the cause is fixed, rerun the same command; for details: pbt show toy\n"))
        #expect(answer.code == 1)
        #expect(answer.output.isEmpty)
        #expect(place.has(log))
        withExtendedLifetime(gate) {}
    }

    @Test func `a failed run is tried again when it is run again`() async throws {
        let place = try Workplace()
        try place.write("[ -e fixed ] || { echo broken; exit 1; }\nexec /bin/sh sum.sh\n", to: "later.sh")
        try place.experiment(trainer: "later.sh", population: 3, intervals: 2, more: "retries: 0")
        let first = try await place.pbt("run", "toy.yaml")
        #expect(first.code == 1)
        #expect(
            first.error.contains(
                "no interval was ever done; the last one: exit 1: broken"))
        try place.write("", to: "fixed")
        let second = try await place.pbt("run", "toy.yaml")
        #expect(second.code == 0, "\(second.error)")
        #expect(second.error.contains("Z retry experiment=toy finished=0/6 members="))
        // No founder was lost.
        let counts = try await place.show("toy")["intervals"]
        #expect(counts?["done"] == 6)
        #expect(counts?["failed"] == 0)
    }

    @Test func `a failure is tried again, and the run recovers`() async throws {
        let place = try Workplace()
        try place.write("[ $PBT_ATTEMPT = 1 ] && { echo no luck; exit 1; }\nexec /bin/sh sum.sh\n", to: "unlucky.sh")
        try place.experiment(trainer: "unlucky.sh", population: 2, intervals: 1, more: "retries: 1")
        let answer = try await place.pbt("run", "toy.yaml")
        #expect(answer.code == 0)
        #expect(answer.error.contains(" fail member=0@0 attempt=1 retries_left=1 reason=\"exit 1: no luck\" log="))
        #expect(answer.output.contains("  failures       2 failed attempts, all recovered\n"))
        #expect(try await place.show("toy")["intervals"]?["done"] == 2)
    }

    @Test func `a checkpoint that was deleted by hand is named`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 2, more: "retries: 0")
        let gate = try Gate(in: place)
        _ = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, process in
            try gate.open(for: 1)
            try await lines.wait(for: #""event":"done""#)
            #expect(kill(process, SIGTERM) == 0)
        }
        try FileManager.default.removeItem(atPath: place.path("pbt.data/toy/checkpoints/m0000-i0000-a1"))
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { _, _ in }
        // The best is still the first interval, whose score is known.
        #expect(run.code == 0)
        let failed = try #require(run.lines.first { $0.contains(#""event":"failed""#) })
        let reason = try Value(json: failed)["reason"]?.string
        let path = place.path("pbt.data/toy/checkpoints/m0000-i0000-a1")
        #expect(reason == "the checkpoint \(path) is gone: was it deleted by hand?")
    }
}
