// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite(.timeLimit(.minutes(10))) struct CheckTests {
    private func check(_ trainer: String, _ more: String = "", in place: Workplace) async throws -> (Int32, Value) {
        try place.experiment(trainer: trainer, more: more)
        let answer = try await place.pbt("check", "toy.yaml", "--json")
        // Whatever it finds, it leaves nothing.
        #expect(!place.has("pbt.sqlite"))
        #expect(!place.has("pbt.data"))
        #expect(try place.names(in: "temporary").isEmpty)
        return (answer.code, try Value(json: answer.output))
    }

    private func texts(_ report: Value, _ key: String) -> [String] {
        report[key]?.array?.compactMap(\.string) ?? []
    }

    @Test func `a sound trainer passes`() async throws {
        let place = try Workplace()
        let (code, report) = try await check("sum.sh", in: place)
        #expect(code == 0)
        #expect(report["ok"] == true)
        #expect(report["deterministic"] == true)
        #expect(report["restores"] == true)
        #expect(report["effects"] == ["x": true])
        #expect(report["checkpoint_bytes"]?.int ?? 0 > 0)
        // Two members and one best, and one being written, in one search.
        #expect(report["predicted"]?["disk_bytes"]?.int ?? 0 >= 4 * (report["checkpoint_bytes"]?.int ?? .max))
        #expect(report["predicted"]?["seconds"]?.double ?? 0 > 0)
        #expect(
            texts(report, "warnings") == [
                "2 members × 20%: 1 donor, 1 replaced each time; one lineage will soon take over",
                "2 members: PBT is known to need more: at least 8, and 20 or more to be reliable",
                "2 decisions for each member: too few for a schedule to form; use more, shorter intervals",
            ])
    }

    @Test func `a trainer whose restore brings back the old hyperparameters is found`() async throws {
        let place = try Workplace()
        let (code, report) = try await check("stubborn.sh", in: place)
        #expect(code == 1)
        #expect(report["effects"] == ["x": false])
        #expect(
            texts(report, "problems") == [
                "hyperparameters seem not to take effect after the restore: with other values of x the interval gives "
                    + "exactly the same result. The most common reason: restoring the optimizer's state brings back the old learning "
                    + "rate; set it again after the restore"
            ])
    }

    @Test func `one hyperparameter among several that takes no effect is named`() async throws {
        let place = try Workplace()
        try place.write(
            """
            name: toy
            objective: {metric: score, goal: maximize}
            population: 8
            intervals: 20
            space:
              x: {uniform: [0, 1]}
              y: {uniform: [0, 1]}
              z: {constant: 1}
            command: [/bin/sh, half-stubborn.sh]
            """, to: "toy.yaml")
        let answer = try await place.pbt("check", "toy.yaml", "--json")
        #expect(answer.code == 0)
        let report = try Value(json: answer.output)
        #expect(report["effects"] == ["x": false, "y": true])
        #expect(
            texts(report, "warnings") == [
                "after the restore these seem not to take effect: x. The most common reason: restoring the optimizer's state "
                    + "brings back its old settings; set them again after the restore"
            ])
    }

    @Test func `a trainer that forgets to save is found`() async throws {
        let place = try Workplace()
        let (code, report) = try await check("saves-nothing.sh", in: place)
        #expect(code == 1)
        #expect(
            texts(report, "problems") == [
                "the program saved nothing: it must write the model into the directory PBT_CHECKPOINT_OUT before it exits, or "
                    + "no other member can continue from it"
            ])
    }

    @Test func `a trainer that forgets to restore is found`() async throws {
        let place = try Workplace()
        let (code, report) = try await check("restores-nothing.sh", in: place)
        #expect(code == 1)
        #expect(report["restores"] == false)
        #expect(
            texts(report, "problems") == [
                "the program seems not to restore: an interval without a checkpoint gives exactly the same result; load the "
                    + "model from the directory PBT_CHECKPOINT_IN when it is set"
            ])
    }

    @Test func `a trainer that gives something else each time cannot be judged, and that is said`() async throws {
        let place = try Workplace()
        let (code, report) = try await check("noisy.sh", in: place)
        #expect(code == 0)
        #expect(report["deterministic"] == false)
        #expect(report["restores"] == .null)
        let warnings = texts(report, "warnings")
        #expect(
            warnings.contains(
                "the same hyperparameters and seed (PBT_SEED) give a different score each time: runs are not reproducible"
            ))
        #expect(
            warnings.contains { $0.hasPrefix("it is unknown whether hyperparameters take effect after the restore") })
    }

    @Test func `a trainer that fails is shown with the end of what it printed`() async throws {
        let place = try Workplace()
        try place.write("echo one\necho 'no module named torch' >&2\nexit 1\n", to: "fails.sh")
        let (code, report) = try await check("fails.sh", in: place)
        #expect(code == 1)
        let problem = try #require(texts(report, "problems").first)
        #expect(problem.hasPrefix("interval 0 (a founder) with {\"x\":"))
        #expect(
            problem.hasSuffix(
                "the program failed: exit 1: no module named torch\n  its last lines:\n    one\n    no module named torch"
            ))
    }

    @Test func `a score that is never a number is a problem`() async throws {
        let place = try Workplace()
        try place.write("echo '{\"score\": NaN}' > $PBT_RESULTS\n", to: "nan.sh")
        let (code, report) = try await check("nan.sh", in: place)
        #expect(code == 1)
        #expect(texts(report, "problems") == ["score is nan for each of three founders; no member could be ranked"])
    }

    @Test func `a quick check trains two intervals`() async throws {
        let place = try Workplace()
        try place.experiment()
        let answer = try await place.pbt("check", "toy.yaml", "--quick", "--json")
        #expect(try Value(json: answer.output)["intervals"]?.array?.count == 2)
    }
}
