// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTSchedy
import PBTTesting
import Testing

@Suite struct JobTests {
    /// A manual experiment of Schedy's client with these jobs: id, status and results.
    private static func fill(
        _ fixture: LookFixture, _ jobs: [(id: String, status: SchedyJob.Status, results: [String: Value])]
    ) async throws {
        let store = try fixture.store()
        let schedy = Schedy(store)
        _ = try await schedy.put("sweep", ["scheduler": ["Manual": .null]], mustBeNew: true)
        var experiment = try await store.record(of: "sweep").experiment
        experiment.objective = .maximize("accuracy")
        _ = try await store.revise(experiment)
        for job in jobs {
            let body: Value = [
                "status": .string(job.status.rawValue), "results": .object(job.results), "hyperparameters": ["lr": 0.1],
            ]
            _ = try await schedy.put(job.id, of: "sweep", SchedyJobContent(body), if: .none)
        }
    }

    @Test func `a job's id is shown, in JSON and CSV, and names its interval`() async throws {
        try await LookFixture.with { fixture in
            try await Self.fill(
                fixture,
                [
                    ("482910", .done, ["accuracy": 0.5]), ("best_1", .done, ["accuracy": 0.9]), ("boom", .crashed, [:]),
                ])
            let show = try await fixture.pbt("show", "sweep")
            #expect(show.lines.contains { $0.hasPrefix("JOB") })
            for id in ["482910", "best_1", "boom"] { #expect(show.lines.contains { $0.hasPrefix(id) }, "\(id)") }
            let json = try await fixture.pbt("show", "sweep", "--json").json()
            #expect(json["members"]?.array?.compactMap { $0["id"]?.string } == ["482910", "best_1", "boom"])
            #expect(json["best"]?["id"] == "best_1")
            let csv = try await fixture.pbt("export", "sweep", "-o", "-", "--format", "csv").output.split(
                separator: "\r\n")
            #expect(csv.first?.contains(",reason,id,") == true && csv.last?.contains(",boom,") == true)
            for (id, interval) in [("482910", "0@0"), ("best_1", "1@0"), ("boom", "2@0"), ("2@0", "2@0")] {
                let answer = try await fixture.pbt("explain", "sweep", id)
                #expect(answer.code == 0 && answer.output.contains("\(interval) is a founder"), "\(answer)")
            }
            let lineage = try await fixture.pbt("lineage", "sweep", "best_1")
            #expect(lineage.lines.contains { $0.hasPrefix("best_1") }, "\(lineage)")
            let missing = try await fixture.pbt("explain", "sweep", "nobody")
            #expect(missing.code == 66 && missing.error.contains("has no job \"nobody\"; see: pbt show sweep --all"))
        }
    }

    @Test func `without jobs a text is not an interval, and the error names the form`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            for arguments in [["explain", "digits", "nobody"], ["lineage", "digits", "x@1"], ["pin", "digits", "x"]] {
                let answer = try await fixture.pbt(arguments)
                #expect(answer.code == 64, "\(arguments)")
                #expect(answer.error.contains("is not an interval; name MEMBER@INTERVAL, for example 3@12"))
            }
            let json = try await fixture.pbt("show", "digits", "--json").json()
            #expect(json["members"]?.array?.first?["id"] == "0@3")
            #expect(!(try await fixture.pbt("show", "digits").output.contains("JOB")))
        }
    }

    @Test(
        arguments: [
            (["model_path": "/m/a b.pt", "weights_path": "/w"], "/m/a b.pt"), (["weights_path": "w.bin"], "w.bin"),
            ([:], nil),
        ] as [([String: Value], String?)])
    func `the path of a job's model is what its results say`(files: [String: Value], path: String?) async throws {
        try await LookFixture.with { fixture in
            try await Self.fill(fixture, [("a", .done, files.merging(["accuracy": 0.5]) { $1 })])
            let answer = try await fixture.pbt("best", "sweep", "--path")
            let best = try await fixture.pbt("best", "sweep")
            #expect(!best.output.contains("m0000-i0000"))
            if let path {
                #expect(answer.output == "\(path)\n" && answer.code == 0)
                #expect(best.output.contains(path))
            } else {
                #expect(answer.code == 1 && answer.output.isEmpty)
                #expect(answer.error.contains("its results name none (model_path, weights_path)"))
                #expect(best.lines.contains { $0.hasPrefix("checkpoint ") && $0.hasSuffix(" none") })
            }
            #expect(try await fixture.pbt("best", "sweep", "--json").json()["checkpoint"] == .null)
            let download = try await fixture.pbt("download", "sweep", "copy")
            #expect(download.code == 1 && download.error.contains("Schedy's clients keep their files"))
        }
    }

    @Test func `explore by hyperparameter is named, not denied`() async throws {
        try await LookFixture.with { fixture in
            let schedy = Schedy(try fixture.store())
            let parameters: Value = [
                "objective": "max", "qualityResultName": "q", "exploit": ["truncate": 0.2],
                "init": ["rate": ["uniform": ["low": 1, "high": 2]], "kept": ["uniform": ["low": 0, "high": 1]]],
                "explore": ["rate": ["perturb": ["minFactor": 0.5, "maxFactor": 2]]],
            ]
            _ = try await schedy.put("pbt", ["scheduler": ["PBT": parameters]], mustBeNew: true)
            let show = try await fixture.pbt("show", "pbt").output
            #expect(show.contains("explore by hyperparameter: rate perturb ×0.5..2"))
            #expect(!show.contains("no explore"))
        }
    }

    @Test func `stars are for scatter charts`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let plain = try await fixture.pbt("plot", "scatter", "digits", "-o", "-")
            let stars = try await fixture.pbt("plot", "scatter", "digits", "--stars", "-o", "-")
            #expect(stars.output.contains("Best of each interval") && !plain.output.contains("Best of each interval"))
            let wrong = try await fixture.pbt("plot", "curves", "digits", "--stars", "-o", "-")
            #expect(wrong.code == 64 && wrong.error.contains("--stars is for scatter only"))
        }
    }
}
