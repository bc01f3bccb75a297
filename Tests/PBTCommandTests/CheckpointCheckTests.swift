// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// What `pbt check` and `pbt run` say of trainers that do odd things with checkpoints.
@Suite(.timeLimit(.minutes(10))) struct CheckpointCheckTests {
    private func problems(_ script: String) async throws -> (code: Int32, problems: [String], findings: [String]) {
        let place = try Workplace()
        try place.write(script, to: "odd.sh")
        try place.experiment(trainer: "odd.sh")
        let answer = try await place.pbt("check", "toy.yaml", "--quick", "--json")
        let report = try Value(json: answer.output)
        func texts(_ key: String) -> [String] { report[key]?.array?.compactMap(\.string) ?? [] }
        return (answer.code, texts("problems"), texts("findings"))
    }

    @Test func `a trainer that saves in place, into the directory it restored from, is found`() async throws {
        let (code, problems, _) = try await problems(
            """
            n=1; if [ -n "$PBT_CHECKPOINT_IN" ]; then n=$(($(cat "$PBT_CHECKPOINT_IN/n") + 10)); fi
            echo $n > "$PBT_CHECKPOINT_OUT/n"; echo "{\\"score\\": $n}" > "$PBT_RESULTS"
            if [ -n "$PBT_CHECKPOINT_IN" ]; then chmod u+w "$PBT_CHECKPOINT_IN/n"; echo $n > "$PBT_CHECKPOINT_IN/n"; fi
            """)
        #expect(code == 1)
        #expect(
            problems == [
                "the program writes into PBT_CHECKPOINT_IN: \"n\" has 3 bytes, not 2. Others continue from that checkpoint "
                    + "too, and its score would no longer be valid: only read it, and save into "
                    + "PBT_CHECKPOINT_OUT"
            ])
    }

    @Test func `all links that lead out of a checkpoint are named`() async throws {
        let (code, problems, _) = try await problems(
            """
            for i in 1 2 3 4 5 6 7; do ln -s /etc/passwd "$PBT_CHECKPOINT_OUT/l$i"; done
            echo '{"score": 1}' > "$PBT_RESULTS"
            """)
        #expect(code == 1)
        let problem = try #require(problems.first)
        for i in 1...7 { #expect(problem.contains("\"l\(i)\" is a link to /etc/passwd, outside of the checkpoint")) }
        #expect(problem.contains("copy the file into PBT_CHECKPOINT_OUT"))
    }

    @Test func `a link inside the checkpoint is reported, and still leads there after the run`() async throws {
        let script = """
            echo 1 > "$PBT_CHECKPOINT_OUT/epoch=1"; ln -s "$PBT_CHECKPOINT_OUT/epoch=1" "$PBT_CHECKPOINT_OUT/last"
            echo '{"score": 1}' > "$PBT_RESULTS"
            """
        let (code, _, findings) = try await problems(script)
        #expect(code == 0)
        #expect(findings.contains { $0.contains("\"last\" is a link to") && $0.contains("inside the checkpoint") })
        let place = try Workplace()
        try place.write(script, to: "odd.sh")
        try place.experiment(trainer: "odd.sh", population: 1, intervals: 1)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        #expect(try place.read("pbt.data/toy/checkpoints/m0000-i0000-a1/last") == "1\n")
    }
}
