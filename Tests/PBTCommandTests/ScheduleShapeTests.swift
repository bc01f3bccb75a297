// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

@Suite struct ScheduleShapeTests {
    @Test func `a stretched schedule has each interval so many times`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let plain = try #require(try await fixture.pbt("schedule", "digits", "--json").json().array)
            #expect(plain.count == 4)
            let stretched = try await fixture.pbt("schedule", "digits", "--scale", "2.5", "-o", "json")
            let rows = try #require(try stretched.json().array)
            #expect(rows.map { $0["interval"] } == (0..<10).map { .integer($0) })
            let origins = [0, 0, 1, 1, 1, 2, 2, 3, 3, 3]
            #expect(rows.map { $0["hyperparameters"] } == origins.map { plain[$0]["hyperparameters"] })
            let same = try await fixture.pbt("schedule", "digits", "--scale", "1", "--json")
            #expect(try same.json() == .array(plain))
            let table = try await fixture.pbt("schedule", "digits", "--intervals", "8").lines
            #expect(table.first?.hasPrefix("INTERVALS") == true)
            #expect(table.contains { $0.contains("0-3") })
        }
    }

    @Test func `a smoothed schedule changes real numbers only`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let plain = try #require(try await fixture.pbt("schedule", "digits", "--json").json().array)
            for option in [["--smooth", "2"], ["--smooth", "auto"], ["--monotone", "auto"]] {
                let answer = try await fixture.pbt(["schedule", "digits", "-o", "json"] + option)
                let rows = try #require(try answer.json().array)
                #expect(rows.count == 4)
                for (row, old) in zip(rows, plain) {
                    #expect(row["hyperparameters"]?["batch"] == old["hyperparameters"]?["batch"])
                    #expect(row["hyperparameters"]?["note"] == old["hyperparameters"]?["note"])
                    let rate = try #require(row["hyperparameters"]?["rate"]?.double)
                    #expect((1e-4...1).contains(rate))
                }
            }
        }
    }

    @Test(arguments: ["pytorch", "optax", "keras", "transformers"])
    func `code for a framework is written to a file or to standard output`(framework: String) async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let options = ["schedule", "digits", "--steps-per-interval", "100", "--scale", "3/2"]
            let answer = try await fixture.pbt(options + ["-o", framework])
            #expect(answer.code == 0, "\(answer)")
            let best = try #require(try await fixture.pbt("show", "digits", "--json").json()["best"])
            let id = "\(try #require(best["member"]?.int))@\(try #require(best["interval"]?.int))"
            let score = try #require(best["score"]?.double)
            let lines = answer.lines
            #expect(
                lines[0].hasPrefix(
                    "# The schedule of interval \(id) of \"digits\" (\"accuracy\": \(score)), written by"))
            #expect(lines[1] == "# 4 intervals of 100 steps, 3/2 times as long")
            #expect(answer.output.contains("\nSTEPS = 600\n\nLEARNING_RATE = \"rate\"\n"))
            #expect(try await fixture.pbt(options + ["--format", framework, "-o", "file.py"]).output == "")
            #expect(try await fixture.pbt("schedule", "digits", "--format", framework, "-o", "file.py").code == 64)
            let file = try String(contentsOfFile: "\(fixture.directory)/file.py", encoding: .utf8)
            #expect(file == answer.output)
        }
    }

    @Test func `a schedule is written to files as to standard output`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            for format in ["json", "yaml", "csv"] {
                let output = try await fixture.pbt("schedule", "digits", "-o", format).output
                #expect(try await fixture.pbt("schedule", "digits", "-o", "s.\(format)").output == "")
                #expect(try String(contentsOfFile: "\(fixture.directory)/s.\(format)", encoding: .utf8) == output)
            }
        }
    }

    @Test(arguments: [
        (["--smooth", "1"], "The value '1' is invalid for '--smooth <knots>'"),
        (["--smooth", "34"], "The value '34' is invalid for '--smooth <knots>'"),
        (["--monotone", "up"], "The value 'up' is invalid for '--monotone <direction>'"),
        (["--smooth", "2", "--monotone", "auto"], "--smooth and --monotone exclude each other"),
        (["--scale", "2", "--intervals", "9"], "--scale and --intervals exclude each other"),
        (["--scale", "0"], "--scale must be a number above 0 such as 4, 2.5 or 5/2, not \"0\""),
        (["--scale", "1e3"], "--scale must be a number above 0 such as 4, 2.5 or 5/2, not \"1e3\""),
        (["--scale", "999999999"], "the training would be too long: at most 1000000 intervals"),
        (["--intervals", "0"], "--intervals must be between 1 and 1000000, not 0"),
        (["-o", "lr.py"], "\"lr.py\" needs --format: pytorch, optax, keras, transformers"),
        (
            ["-o", "lr.txt"],
            "\"lr.txt\" must be a format (table, json, yaml, csv, pytorch, optax, keras, transformers), "
        ),
        (["-o", "lr.csv", "--format", "json"], "\"lr.csv\" is csv, but --format says json"),
        (["-o", "csv", "--format", "json"], "\"-o csv\" is a format, but --format says json"),
        (["--json", "-o", "csv"], "--json contradicts csv"),
        (["-o", "optax"], "optax needs --steps-per-interval: the steps that the scheduler counts while the trainer"),
        (["-o", "optax", "--steps-per-interval", "0"], "--steps-per-interval must be between 1 and 2147483647, not 0"),
        (
            ["-o", "optax", "--steps-per-interval", "2147483647"],
            "the training would be too long: at most 2147483647 steps"
        ),
        (["-o", "csv", "--steps-per-interval", "9"], "--steps-per-interval requires --format pytorch, optax, keras,"),
        (["--learning-rate", "x"], "--learning-rate requires --format pytorch, optax, keras, transformers"),
        (
            ["-o", "optax", "--steps-per-interval", "9", "--learning-rate", "x"],
            "there is no hyperparameter \"x\"; there are \"rate\", \"momentum\", \"batch\", \"note\""
        ),
        (
            ["-o", "optax", "--steps-per-interval", "9", "--learning-rate", "note"],
            "\"note\" is not a number in every interval"
        ),
    ])
    func `options that contradict each other or the schedule say so`(options: [String], message: String) async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt(["schedule", "digits"] + options)
            #expect(answer.code == 64)
            #expect(answer.error.hasPrefix("error: \(message)"), "\(answer.error)")
        }
    }

    @Test func `a schedule without a learning rate asks for it`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 2)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let answer = try await place.pbt("schedule", "toy", "-o", "keras", "--steps-per-interval", "1")
        #expect(answer.code == 64)
        #expect(
            answer.error.hasPrefix(
                "error: which hyperparameter is the learning rate? Name it with --learning-rate: \"x\""))
        let named = try await place.pbt(
            "schedule", "toy", "-o", "keras", "--steps-per-interval", "1", "--learning-rate", "x")
        #expect(named.code == 0 && named.output.contains("LEARNING_RATE = \"x\"\n"))
    }

    @Test func `a replay can be longer than its schedule, and smooth`() async throws {
        let place = try Workplace()
        try place.experiment(population: 3, intervals: 4)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let replay = try await place.pbt("replay", "toy", "--scale", "2.5", "--name", "long", "--smooth", "2", "--json")
        #expect(replay.code == 0, "\(replay)")
        let expected = try await place.pbt("schedule", "toy", "--scale", "2.5", "--smooth", "2", "--json").output
        #expect(try await place.pbt("schedule", "long", "--json").output == expected)
        #expect(try Value(json: expected).array?.count == 10)
        #expect(try await place.pbt("explain", "long", "--all").code == 0)
        let again = try await place.pbt("replay", "toy", "--intervals", "6", "--name", "six", "--create-only")
        #expect(again.code == 0)
        #expect(
            again.error.contains("six: 6 intervals by the schedule of toy ")
                && again.error.contains(", stretched to 6 intervals, 1 seed\n"), "\(again.error)")
    }
}
