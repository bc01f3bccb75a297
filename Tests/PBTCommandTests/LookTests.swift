// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// What the looking commands say of one small run, to the letter.
@Suite struct LookTests {
    @Test func `list names every experiment, and what a baseline belongs to`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt("list")
            #expect(
                answer.output == """
                    EXPERIMENT            KIND                               STATE     MEMBERS  INTERVALS  BEST             STARTED               TOOK
                    digits                PBT                                finished        6      24/24  accuracy 0.7363  2023-11-14T22:13:20Z   36s
                    digits.random_search  random search, baseline of digits  finished        6      24/24  accuracy 0.7472  2023-11-14T22:13:56Z   36s

                    """)
            #expect(answer.error == "")
            let rows = try #require(try await fixture.pbt("list", "--json").json().array)
            #expect(rows.map { $0["name"] } == ["digits", "digits.random_search"])
            #expect(rows.map { $0["baseline_of"] } == [.null, "digits"])
            #expect(rows.map { $0["kind"] } == ["pbt", "random_search"])
            #expect(rows.map { $0["seconds"] } == [36.0, 36.0])
            #expect(rows[0]["best"]?["member"] == 0)
        }
    }

    @Test func `show tells method, result and members, best first`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt("show", "digits")
            let comparison = try #require(answer.lines.first { $0.hasPrefix("comparison ") })
            #expect(
                comparison.hasPrefix("comparison 0.7363 vs. 0.7472 of random search, after 24 intervals each: "))
            #expect(
                answer.output.replacing(comparison + "\n", with: "") == """
                    digits  finished  since 2023-11-14T22:13:20Z, until 2023-11-14T22:13:56Z (36s)
                    metric     accuracy, higher is better
                    method     PBT, truncation 34%, perturb ×0.8 ×1.25, resample 10%, synchronous, seed 7
                    space      rate log 0.0001..1   momentum 0..0.99   batch [32,64,128] (fixed)   note always a, "b"
                    intervals  24 of 24 finished: 22 done, 1 diverged, 1 failed
                    result     best ★ 0@3 0.7363   median 0.7325
                               founders left 2 of 6   copies 9
                    metrics    loss 0.2637 (random search 0.2528), score 0.7363 (random search 0.7472)
                    best       ▁▄▅█  by interval
                    rate       ▁▁██  0.1053 to 0.1316 (log), along the best lineage
                    momentum   ▁▁██  0.9773 to 0.99, along the best lineage

                    MEMBER     INTERVAL  ACCURACY    RATE  MOMENTUM  BATCH  COPIES  FROM     STATE
                         0  ★         3    0.7363  0.1316    0.9900    128       1  2@1      done
                         5            3    0.7332  0.1103    0.6564     32       0  founder  done
                         2            3    0.7325  0.1053    0.9773    128       0  founder  done
                         3            3    0.7325  0.1053    0.9900    128       2  0@2      done
                         1            3    0.7297  0.0882    0.8205     32       1  5@2      done
                         4            3    0.7290  0.0842    0.7819    128       1  2@2      done
                    The same for these: note a, "b"

                    """)
            #expect(answer.error == "")
            let baseline = try await fixture.pbt("show", "digits.random_search")
            #expect(baseline.lines.first?.hasPrefix("digits.random_search  finished  (baseline of digits)") == true)
        }
    }

    @Test func `show --json has the keys that scripts use`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let show = try await fixture.pbt("show", "digits", "--json").json()
            #expect(show["name"] == "digits")
            #expect(show["state"] == "finished")
            #expect(show["objective"] == ["metric": "accuracy", "goal": "maximize"])
            #expect(show["population"] == 6)
            #expect(show["intervals"] == ["waiting": 0, "running": 0, "done": 22, "diverged": 1, "failed": 1])
            let store = try fixture.store()
            let record = try await store.record(of: "digits")
            let best = try await store.interval(try #require(record.best), of: "digits")
            #expect(show["best"]?["member"] == .integer(best.id.member))
            #expect(show["best"]?["interval"] == .integer(best.id.index))
            #expect(show["best"]?["score"] == .number(try #require(best.score)))
            #expect(show["best"]?["hyperparameters"] == best.hyperparameters.value)
            #expect(
                show["best"]?["checkpoint"]
                    == .string("\(fixture.directory)/pbt.data/digits/checkpoints/\(try #require(best.checkpoint))"))
            let members = try #require(show["members"]?.array)
            #expect(members.map { $0["member"] } == [0, 1, 2, 3, 4, 5])
            for member in members {
                let number = try #require(member["member"]?.int)
                let row = try await store.interval(IntervalID(member: number, index: 3), of: "digits")
                #expect(member["interval"] == 3)
                #expect(member["score"] == .number(try #require(row.score)))
                #expect(member["hyperparameters"] == row.hyperparameters.value)
                #expect(member["parent"] == row.parent?.value)
            }
        }
    }

    @Test func `best shows score, checkpoint and schedule, or the checkpoint's path alone`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let path = "\(fixture.directory)/pbt.data/digits/checkpoints/m0000-i0003-a1"
            let answer = try await fixture.pbt("best", "digits")
            let comparison = try #require(answer.lines.first { $0.hasPrefix("comparison ") })
            #expect(
                comparison.hasPrefix("comparison       0.7363 vs. 0.7472 of random search, after 24 intervals each: "))
            #expect(
                answer.output.replacing(comparison + "\n", with: "") == """
                    ★ 0@3  accuracy 0.7363
                    checkpoint       \(path)
                    hyperparameters  rate 0.1316   momentum 0.99   batch 128   note a, "b"
                    metrics          loss 0.2637 (random search 0.2528), score 0.7363 (random search 0.7472)

                    INTERVALS    RATE  MOMENTUM
                          0-1  0.1053    0.9773  founder
                          2-3  0.1316    0.9900  rate ×1.25  momentum ×1.25 (clipped)
                    Constant: batch 128   note a, "b"

                    """)
            #expect(try await fixture.pbt("best", "digits", "--path").output == path + "\n")
            let json = try await fixture.pbt("best", "digits", "--json").json()
            #expect(json["checkpoint"] == .string(path))
            #expect(json["schedule"]?.array?.count == 4)
            let both = try await fixture.pbt("best", "digits", "--path", "--json")
            #expect(both.code == 64)
            #expect(both.error.hasPrefix("error: --path and --json exclude each other\n"))
        }
    }

    @Test func `lineage goes from the founder to the tip`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt("lineage", "digits")
            #expect(
                answer.output == """
                    TRAINING  MEMBER  INTERVALS  FROM     ACCURACY         REPLACED        RATE         MOMENTUM
                         0-1       2        0-1  founder  0.4325 → 0.5325                0.1053           0.9773
                         2-3       0        2-3  2@1      0.5325 → 0.7363  0@1 (0.5297)  0.1316  ×1.25    0.9900  ×1.25 (clipped)  ★
                    Constant: batch 128   note a, "b"
                    4 intervals of training, 1 copy

                    """)
            let path = try #require(try await fixture.pbt("lineage", "digits", "--json").json().array)
            #expect(path.map { $0["member"] } == [2, 2, 0, 0])
            #expect(path.map { $0["interval"] } == [0, 1, 2, 3])
            #expect(path.map { $0["exploited"] } == [false, false, true, false])
            #expect(
                path.map { $0["parent"] } == [
                    .null, IntervalID(member: 2, index: 0).value, IntervalID(member: 2, index: 1).value,
                    IntervalID(member: 0, index: 2).value,
                ])
            #expect(path.allSatisfy { $0["score"]?.double != nil && $0["hyperparameters"]?.object?.count == 4 })
            // Of a member alone: its newest interval; an interval of it: that one.
            let member = try #require(try await fixture.pbt("lineage", "digits", "3", "--json").json().array)
            #expect(member.last?["interval"] == 3)
            let earlier = try #require(try await fixture.pbt("lineage", "digits", "3@0", "--json").json().array)
            #expect(earlier.map { $0["interval"] } == [0])
            // What diverged or failed has no score, and its state says why.
            let diverged = try #require(try await fixture.pbt("lineage", "digits", "1@2", "--json").json().array)
            #expect(diverged.last?["score"] == .null)
            #expect(diverged.last?["state"] == "diverged")
        }
    }

    @Test func `a schedule is stitched along the lineage, in every form the same`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            #expect(
                try await fixture.pbt("schedule", "digits").output == """
                    INTERVALS    RATE  MOMENTUM
                          0-1  0.1053    0.9773  founder
                          2-3  0.1316    0.9900  rate ×1.25  momentum ×1.25 (clipped)
                    Constant: batch 128   note a, "b"

                    """)
            let json = try #require(try await fixture.pbt("schedule", "digits", "-o", "json").json().array)
            #expect(json.map { $0["interval"] } == [0, 1, 2, 3])
            #expect(try await fixture.pbt("schedule", "digits", "--json").json() == .array(json))
            let store = try fixture.store()
            let founder = try await store.interval(IntervalID(member: 2, index: 0), of: "digits").hyperparameters
            #expect(json[0]["hyperparameters"] == founder.value)
            let rate = try founder.double("rate")
            let momentum = try founder.double("momentum")
            let csv = try await fixture.pbt("schedule", "digits", "-o", "csv")
            #expect(
                csv.output.hasPrefix(
                    "interval,rate,momentum,batch,note\r\n0,\(rate),\(momentum),128,\"a, \"\"b\"\"\"\r\n1,"))
            let yaml = try await fixture.pbt("schedule", "digits", "-o", "yaml")
            #expect(
                yaml.lines.first
                    == "- {interval: 0, hyperparameters: {\"batch\": 128, \"momentum\": \(momentum), \"note\": \"a, \\\"b\\\"\", \"rate\": \(rate)}}"
            )
            #expect(yaml.lines.count == 4)
        }
    }

    @Test func `numbers in a schedule as YAML are numbers to every reader of YAML`() async throws {
        try await LookFixture.with { fixture in
            var experiment = Experiment.looked("tiny", population: 1, intervals: 1, baseline: false)
            experiment.initial = [["rate": 0.0001]]
            experiment.space = ["rate": .logUniform(1e-30...1e30), "other": .uniform(-1e30...1e30)]
            experiment.initial = [["rate": 1e-7, "other": -1.5e20]]
            try await fixture.train(experiment) { _ in 1 }
            // YAML 1.1 takes 1e-07 for text.
            #expect(
                try await fixture.pbt("schedule", "tiny", "-o", "yaml").output
                    == "- {interval: 0, hyperparameters: {\"other\": -1.5e+20, \"rate\": 1.0e-07}}\n")
        }
    }
}
