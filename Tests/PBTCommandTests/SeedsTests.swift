// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

/// `pbt run --seeds`.
@Suite(.timeLimit(.minutes(10))) struct SeedsTests {
    @Test func `searches with successive seeds end in one table, and run only once`() async throws {
        let place = try Workplace()
        try place.experiment(more: "baseline: random_search")
        let answer = try await place.pbt("run", "toy.yaml", "--seeds", "3")
        #expect(answer.code == 0, "\(answer.error)")
        let lines = answer.output.split(separator: "\n").map(String.init)
        #expect(lines[0].split(separator: " ").map(String.init).prefix(4) == ["SEED", "EXPERIMENT", "STATE", "SCORE"])
        let rows = lines[1...3].map { $0.split(separator: " ").map(String.init) }
        #expect(rows.map { $0[0] } == ["7", "8", "9"])
        #expect(rows.map { $0[1] } == ["toy.seed-7", "toy.seed-8", "toy.seed-9"])
        #expect(lines.contains { $0.hasPrefix("score: median ") && $0.contains(", quartiles ") })
        #expect(lines.contains { $0.hasPrefix("better than random search in ") && $0.contains(" of 3") })
        let shown = try await place.show("toy.seed-8")
        #expect(shown["state"] == "finished")
        // The same search as with the seed alone.
        _ = try await place.pbt("run", "toy.yaml", "--seed", "8", "--name", "alone")
        #expect(try await place.show("alone")["best"]?["score"] == shown["best"]?["score"])

        let again = try await place.pbt("run", "toy.yaml", "--seeds", "3")
        #expect(again.code == 0)
        #expect(again.output == answer.output)
        #expect(try await place.show("toy.seed-8") == shown)
    }

    @Test func `more seeds train only what is missing, and --json ends with the summary`() async throws {
        let place = try Workplace()
        try place.experiment(more: "baseline: random_search")
        #expect(try await place.pbt("run", "toy.yaml", "--seeds", "1", "-q").code == 0)
        let before = try await place.show("toy.seed-7")
        let answer = try await place.pbt("run", "toy.yaml", "--seeds", "2", "--json")
        #expect(answer.code == 0, "\(answer.error)")
        let objects = try answer.output.split(separator: "\n").map { try Value(json: String($0)) }
        #expect(objects.count { $0["event"] == "result" } == 2)
        #expect(!objects.contains { $0["event"] == "done" && $0["experiment"] == "toy.seed-7" })
        let summary = try #require(objects.last)
        #expect(summary["event"] == "seeds")
        #expect(summary["searches"]?.array?.compactMap { $0["seed"]?.int } == [7, 8])
        let scores = try #require(summary["searches"]?.array?.compactMap { $0["score"]?.double })
        #expect(scores.count == 2)
        let median = try #require(summary["score"]?["median"]?.double)
        #expect(abs(median - (scores[0] + scores[1]) / 2) < 1e-12)
        #expect(summary["wins"]?["of"] == 2)
        #expect(try await place.show("toy.seed-7") == before)
    }

    @Test func `a search without a result fails the command after the others have run`() async throws {
        let place = try Workplace()
        try place.write(
            """
            [ "$PBT_EXPERIMENT" = toy.seed-7 ] && exit 3
            exec /bin/sh sum.sh
            """, to: "fails.sh")
        try place.experiment(trainer: "fails.sh", more: "retries: 0")
        let answer = try await place.pbt("run", "toy.yaml", "--seeds", "2")
        #expect(answer.code == 1)
        #expect(answer.output.contains("no usable result: toy.seed-7\n"))
        #expect(try await place.show("toy.seed-8")["state"] == "finished")
        // Fixed, the same command trains the rest.
        try place.write("exec /bin/sh sum.sh", to: "fails.sh")
        let again = try await place.pbt("run", "toy.yaml", "--seeds", "2")
        #expect(again.code == 0, "\(again.error)")
        #expect(!again.output.contains("no usable result"))
    }

    @Test func `an interrupted run of several seeds resumes where it stopped`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", intervals: 2)
        let gate = try Gate(in: place)
        try gate.open(for: 4)
        let run = try await Command.live(["run", "toy.yaml", "--seeds", "2", "-v"], in: place.directory) {
            lines, process in
            try await lines.wait(for: "toy.seed-8")
            #expect(kill(process, SIGINT) == 0)
            try await lines.wait(for: "finishing the running intervals")
            try gate.open()
        }
        #expect(run.code == 130)
        let first = try await place.show("toy.seed-7")
        #expect(first["state"] == "finished")
        let again = try await place.pbt("run", "toy.yaml", "--seeds", "2")
        #expect(again.code == 0, "\(again.error)")
        #expect(try await place.show("toy.seed-7") == first)
    }

    @Test(arguments: ["0", "1001", "x"]) func `an invalid number of seeds is refused`(count: String) async throws {
        let place = try Workplace()
        try place.experiment()
        let answer = try await place.pbt("run", "toy.yaml", "--seeds", count)
        #expect(answer.code == 64)
        #expect(answer.error.contains("--seeds"))
    }
}
