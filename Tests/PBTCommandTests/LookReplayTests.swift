// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite struct LookReplayTests {
    @Test func `a replay trains the winner's schedule once for each seed`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4, intervals: 3)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let replay = try await place.pbt("replay", "toy", "--seeds", "3", "--json", "--progress", "none")
        #expect(replay.code == 0, "\(replay)")
        let last = try #require(replay.output.split(separator: "\n").last)
        let result = try Value(json: String(last))
        #expect(result["name"] == "toy.replay")
        #expect(result["state"] == "finished")
        #expect(result["intervals"] == 3)
        let best = try #require(try await place.show("toy")["best"])
        #expect(result["original"]?["score"] == best["score"])
        // The trainer is deterministic, so every seed ends where the original did.
        let seeds = try #require(result["seeds"]?.array)
        #expect(seeds.map { $0["score"] } == Array(repeating: best["score"], count: 3))
        #expect(seeds.allSatisfy { place.has($0["checkpoint"]?.string ?? "none") })
        #expect(result["deviation"] == 0.0)

        let again = try await place.pbt("replay", "toy", "--quiet")
        #expect(again.code == 0)
        #expect(again.output.hasPrefix("SEED  SCORE"))
        #expect(again.output.contains("(mean of 1 seed)\n"))
        let list = try Value(json: try await place.pbt("list", "--json").output)
        #expect(list.array?.map { $0["name"] } == ["toy", "toy.replay", "toy.replay-2"])
        #expect(list.array?.map { $0["kind"] } == ["pbt", "replay", "replay"])
        #expect(try await place.pbt("explain", "toy.replay", "--all").code == 0)
    }

    @Test func `a replay that was only created is taken up by the same command`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 2)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let created = try await place.pbt("replay", "toy", "--create-only", "--seeds", "2", "--name", "once more")
        #expect(created.code == 0)
        #expect(created.output.hasPrefix("created once more; train it with: pbt worker pbt.sqlite 'once more'"))
        let waiting = try await place.show("once more")
        #expect(waiting["intervals"]?["waiting"] == 2)
        let trained = try await place.pbt("replay", "toy", "--seeds", "2", "--name", "once more")
        #expect(trained.code == 0)
        #expect(try await place.show("once more")["state"] == "finished")
    }

    @Test func `a replay of one interval's lineage is as long as that`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 3)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        #expect(try await place.pbt("replay", "toy", "1@0", "--name", "short").code == 0)
        #expect(try await place.show("short")["best"]?["interval"] == 0)
    }

    @Test(arguments: [
        (["--seeds", "0"], 64, "--seeds must be between 1 and 10000, not 0"),
        (["--name", "-x"], 64, "Missing value for '--name <name>'"),
        (["--name", ""], 64, "--name must not be empty"),
        (["--name", "toy"], 65, "experiment \"toy\" already exists with "),
        (["7"], 66, "experiment \"toy\" has no member 7; members are 0 to 1"),
    ])
    func `a replay that cannot be says why`(options: [String], code: Int32, message: String) async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 1)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let answer = try await Command.run(["replay", "toy"] + options, in: place.directory)
        #expect(answer.code == code)
        #expect(answer.error.hasPrefix("error: \(message)"), "\(answer.error)")
    }

    @Test func `a replay of an experiment without a command is for its own program`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked(baseline: false)) { Double($0.depth) }
            let answer = try await fixture.pbt("replay", "digits")
            #expect(answer.code == 65)
            #expect(
                answer.error.hasPrefix(
                    "error: \"digits\" is trained by a Swift program, not by a command; create the replay"))
            #expect(try await fixture.pbt("replay", "digits", "--create-only", "--quiet").code == 0)
        }
    }
}
