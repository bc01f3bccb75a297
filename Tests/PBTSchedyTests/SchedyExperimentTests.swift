// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBTSchedy
import PBT
import PBTServer
import PBTTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct SchedyExperimentTests {
    static let population: Value = [
        "PBT": [
            "objective": "min", "qualityResultName": "max_pool", "exploit": ["truncate": 0.2], "numParallel": 3,
            "init": [
                "rate": ["loguniform": ["low": 1e-5, "high": 1]], "layers": ["choice": ["values": [1, 2, "all"]]],
                "any name / ü": ["const": ["x": [nil, true]]],
            ],
            "explore": ["rate": ["perturb": ["minFactor": 0.8, "maxFactor": 1.2]]],
        ]
    ]

    @Test(
        arguments: SchedyStore.allCases,
        [
            ["Manual": nil], population,
            [
                "RandomSearch": [
                    "a": ["uniform": ["low": 0, "high": 1]], "b": ["normal": ["mean": 1, "std": 0.5]],
                    "c": ["choice": ["values": [1, "x", nil, [1], ["k": 2.5]], "weights": [1, 2, 3, 4, 0]]],
                    "": ["const": nil],
                ]
            ],
        ] as [Value])
    func `an experiment is created once and reads back as it was written`(
        store: SchedyStore, scheduler: Value
    ) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            for name in ["a/b c", "ü✓%2F", "x", "007", "true", "a\"b<c>&d?e#f"] {
                #expect(try await caller.experiment(name).status == 404)
                let created = try await caller.create(name, scheduler)
                #expect(created.status == 201)
                #expect(created.json == ["name": .string(name), "status": "RUNNING", "scheduler": scheduler])
                let read = try await caller.experiment(name)
                #expect(read.status == 200)
                #expect(read.json == created.json)
                #expect(read.headers["content-type"] == "application/json")
                let again = try await caller.create(name, ["Manual": nil])
                #expect(again.status == 412)
                #expect(try await caller.experiment(name).json == created.json)
                // It is an experiment of ours.
                #expect(try await place.store.record(of: name).experiment.isOpen)
            }
        }
    }

    @Test func `the limit of generations is answered under both names, whichever was sent`() async throws {
        try await withSchedy { place in
            for (i, given) in ["maxGenerations", "max_generations"].enumerated() {
                var parameters = try #require(Self.population["PBT"]?.object)
                parameters[given] = 7
                let created = try await place.caller.create("e\(i)", ["PBT": .object(parameters)])
                parameters["maxGenerations"] = 7
                parameters["max_generations"] = 7
                #expect(created.json["scheduler"] == ["PBT": .object(parameters)])
                #expect(try await place.store.record(of: "e\(i)").experiment.intervals == 7)
                // Read and written again, as the client does.
                let again = try await place.caller.call("PUT", "experiments/e\(i)/", created.json)
                #expect(again.status == 200)
                #expect(again.json == created.json)
            }
        }
    }

    /// What is wrong with a scheduler, and what is said.
    static let broken: [(Value, String)] = [
        (nil, "\"scheduler\" must be an object with one key: Manual, RandomSearch or PBT"),
        (["Manual": nil, "PBT": [:]], "\"scheduler\" must be an object with one key: Manual, RandomSearch or PBT"),
        (["Hyperband": [:]], "unknown scheduler \"Hyperband\"; known: Manual, RandomSearch, PBT"),
        (["RandomSearch": []], "RandomSearch must hold an object of hyperparameters and distributions"),
        (
            ["RandomSearch": ["a": 1]],
            "hyperparameter \"a\": must be one distribution such as {\"uniform\": {\"low\": 0, \"high\": 1}}"
        ),
        (
            ["RandomSearch": ["a": ["beta": [:]]]],
            "hyperparameter \"a\": unknown distribution \"beta\"; uniform, loguniform, normal, choice, const"
        ),
        (
            ["RandomSearch": ["a": ["uniform": ["low": 2, "high": 1]]]],
            "hyperparameter \"a\": \"low\" must not be above \"high\""
        ),
        (
            ["RandomSearch": ["a": ["uniform": ["low": "0", "high": 1]]]],
            "hyperparameter \"a\": \"low\" must be a finite number"
        ),
        (
            ["RandomSearch": ["a": ["loguniform": ["low": 0, "high": 1]]]],
            "hyperparameter \"a\": \"low\" must be above 0 for loguniform"
        ),
        (
            ["RandomSearch": ["a": ["normal": ["mean": 0, "std": -1]]]],
            "hyperparameter \"a\": \"std\" must be at least 0"
        ),
        (
            ["RandomSearch": ["a": ["choice": ["values": []]]]],
            "hyperparameter \"a\": \"values\" must be a list that is not empty"
        ),
        (
            ["RandomSearch": ["a": ["choice": ["values": [1, 2], "weights": [1]]]]],
            "hyperparameter \"a\": \"weights\" must be a number of at least 0 for each value, not all 0"
        ),
        (["PBT": [:]], "PBT: \"qualityResultName\" must be the name of a result"),
        (["PBT": ["qualityResultName": "q"]], "PBT: \"objective\" must be \"min\" or \"max\""),
        (
            ["PBT": ["qualityResultName": "q", "objective": "max", "exploit": ["truncate": 0.6]]],
            "PBT: \"exploit\" must be {\"truncate\": P} with P above 0 and at most 0.5"
        ),
        (
            ["PBT": ["qualityResultName": "q", "objective": "max", "exploit": ["truncate": 0.2], "numParallel": 0]],
            "PBT: \"numParallel\" must be an integer from 1 to 1000000"
        ),
        (
            [
                "PBT": [
                    "qualityResultName": "q", "objective": "max", "exploit": ["truncate": 0.2],
                    "explore": ["a": ["perturb": ["minFactor": 2, "maxFactor": 1]]],
                ]
            ],
            "explore \"a\": must be {\"perturb\": {\"minFactor\": A, \"maxFactor\": B}}, 0 < A <= B"
        ),
    ]

    @Test func `a broken definition is refused with what would be right, and nothing is made`() async throws {
        try await withSchedy { place in
            for (scheduler, says) in Self.broken {
                let answer = try await place.caller.create("e", scheduler)
                #expect(answer.status == 400)
                #expect(answer.text == says)
                #expect(answer.text.count < 150)
                #expect(answer.headers["content-type"] == "text/plain; charset=utf-8")
            }
            #expect(try await place.caller.create("e", ["Manual": nil], status: "PAUSED").status == 400)
            #expect(try await place.caller.call("PUT", "experiments/e/", text: "nonsense").status == 400)
            let name = try await place.caller.create("-e", ["Manual": nil])
            #expect(name.status == 400)
            #expect(name.text.contains("must not start with '-'"))
            #expect(try await place.store.experiments().count == 0)
        }
    }

    @Test func `distributions of one value are that value, and a value listed twice has both weights`() async throws {
        try await withSchedy { place in
            let created = try await place.caller.create(
                "e",
                [
                    "RandomSearch": [
                        "same": ["uniform": ["low": 2, "high": 2]], "still": ["normal": ["mean": 3, "std": 0]],
                        "twice": ["choice": ["values": ["a", "b", "a"], "weights": [1, 0, 1]]],
                    ]
                ])
            #expect(created.status == 201)
            let job = try await place.caller.next("e")
            #expect(job.hyperparameters == ["same": 2.0, "still": 3.0, "twice": "a"])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `experiments come in pages`(store: SchedyStore) async throws {
        try await withSchedy(store, pageSize: 4) { place in
            // One that Schedy's client did not make is not its business.
            _ = try await place.store.create(
                Experiment(
                    "ours", objective: .maximize("m"), population: 1, intervals: 1, space: ["x": .uniform(0...1)]))
            let names = (0..<10).map { "e/\($0)" }
            for name in names { _ = try await place.caller.create(name, ["Manual": nil]) }
            var seen: [String] = []
            var pages = 0
            var start = ""
            while true {
                let page = try await place.caller.call("GET", "experiments/\(start)")
                #expect(page.status == 200)
                pages += 1
                seen += page.items.compactMap { $0["name"]?.string }
                guard let next = page.json["next"]?.string else { break }
                start = "?start=\(SchedyCaller.encoded(next))"
            }
            #expect(seen == names)
            #expect(pages == 3)
            #expect(try await place.caller.call("GET", "experiments/?start=x").status == 400)
            #expect(try await place.caller.experiment("ours").status == 404)
            #expect(try await place.caller.create("ours", ["Manual": nil]).status == 412)
            #expect(
                try await place.caller.call("PUT", "experiments/ours/", ["scheduler": ["Manual": nil]]).status == 409)
            #expect(try await place.caller.call("DELETE", "experiments/ours/").status == 409)
            #expect(try await place.caller.call("GET", "experiments/ours/nextjob/").status == 404)
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `an experiment is deleted with its jobs, whether or not they run`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            _ = try await place.caller.create("a/b", ["Manual": nil])
            _ = try await place.caller.push("a/b", ["hyperparameters": ["x": 1]])
            _ = try await place.caller.begin("a/b")
            let path = "experiments/a%2Fb/"
            #expect(try await place.caller.call("DELETE", path, headers: [("If-Match", "*")]).status == 204)
            #expect(try await place.caller.experiment("a/b").status == 404)
            #expect(try await place.store.experiments().count == 0)
            #expect(try await place.caller.call("DELETE", path, headers: [("If-Match", "*")]).status == 412)
            #expect(try await place.caller.call("DELETE", path).status == 204)
            // The name is free again, and nothing of the old one is left.
            #expect(try await place.caller.create("a/b", ["Manual": nil]).status == 201)
            #expect(try await place.caller.jobs(of: "a/b") == [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `an experiment set to DONE hands nothing out until it is set to RUNNING`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            _ = try await place.caller.create("e", ["Manual": nil])
            for x in 1...2 { _ = try await place.caller.push("e", ["hyperparameters": ["x": .integer(x)]]) }
            let job = try #require(try await place.caller.begin("e"))
            func set(_ status: Value) async throws -> SchedyCaller.Answer {
                try await place.caller.call(
                    "PUT", "experiments/e/", ["status": status, "scheduler": ["Manual": nil]])
            }
            #expect(try await set("DONE").json["status"] == "DONE")
            #expect(try await place.store.record(of: "e").state == .finished)
            #expect(try await place.caller.next("e").status == 204)
            // What runs may finish, and what is added waits.
            #expect(try await place.caller.put(job, of: "e", status: "DONE", results: ["loss": 1]).status == 200)
            #expect(try await place.caller.push("e", [:]).status == 201)
            #expect(try await place.caller.next("e").status == 204)
            #expect(try await set("RUNNING").json["status"] == "RUNNING")
            #expect(try await place.caller.next("e").hyperparameters == ["x": 2])
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test func `what there is not is told from what is not allowed`() async throws {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            for path in ["", "nothing/", "experiments/e/other/", "experiments/e/jobs/a/b/"] {
                #expect(try await caller.call("GET", path).status == 404, "\(path)")
            }
            for path in [
                "experiments/x/jobs/", "experiments/x/jobs/a/", "experiments/x/nextjob/", "experiments/e/jobs/a/",
            ] {
                let answer = try await caller.call("GET", path)
                #expect(answer.status == 404, "\(path)")
                #expect(!answer.text.isEmpty && answer.text.count < 150)
            }
            for (method, path, allowed) in [
                ("POST", "experiments/", "GET"), ("PATCH", "experiments/e/", "GET, PUT, DELETE"),
                ("PUT", "experiments/e/jobs/", "GET, POST"), ("POST", "experiments/e/jobs/a/", "GET, PUT, DELETE"),
                ("POST", "experiments/e/nextjob/", "GET"),
            ] {
                let answer = try await caller.call(method, path)
                #expect(answer.status == 405, "\(method) \(path)")
                #expect(answer.headers["allow"] == allowed)
            }
            // What is no UTF-8 names nothing.
            #expect(try await caller.call("GET", "experiments/%FF/").status == 404)
        }
    }
}
