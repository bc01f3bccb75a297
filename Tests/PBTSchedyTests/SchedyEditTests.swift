// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTServer
import PBTTesting
import Testing

/// Jobs that their clients change in orders which the protocol allows and does not speak of.
@Suite(.timeLimit(.minutes(10))) struct SchedyEditTests {
    private static let population: Value = [
        "PBT": [
            "objective": "max", "qualityResultName": "quality", "exploit": ["truncate": 0.25], "numParallel": 4,
            "maxGenerations": 3, "init": ["rate": ["uniform": ["low": 1, "high": 2]]],
            "explore": ["rate": ["perturb": ["minFactor": 0.5, "maxFactor": 2]]],
        ]
    ]
    private static let kinds: [Value] = [
        ["Manual": nil], ["RandomSearch": ["rate": ["uniform": ["low": 1, "high": 2]]]], population,
    ]
    private static let statuses = ["QUEUED", "RUNNING", "CRASHED", "PRUNED", "DONE"]

    @Test(arguments: SchedyStore.allCases, kinds)
    func `every status may follow every other, and what is read is what was written`(
        store: SchedyStore, scheduler: Value
    ) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", scheduler)
            for (i, old) in Self.statuses.enumerated() {
                for (k, new) in Self.statuses.enumerated() {
                    let rate = 1 + 0.01 * Double(5 * i + k)
                    let job = try await caller.push(
                        "e",
                        [
                            "status": .string(old), "hyperparameters": ["rate": .number(rate)],
                            "results": ["quality": .number(rate)],
                        ])
                    #expect(job.jobStatus == old)
                    let changed = try await caller.put(
                        job.id, of: "e",
                        [
                            "status": .string(new), "hyperparameters": ["rate": .number(rate + 0.5)],
                            "results": ["quality": .number(rate + 1), "more": [nil]],
                        ], ifMatch: job.tag)
                    #expect(changed.status == 200, "\(old) to \(new): \(changed.text)")
                    #expect(changed.jobStatus == new)
                    #expect(changed.hyperparameters == ["rate": .number(rate + 0.5)])
                    #expect(changed.results == ["quality": .number(rate + 1), "more": [nil]])
                    #expect(changed.tag != job.tag)
                    #expect(try await caller.job(job.id, of: "e").json == changed.json)
                }
            }
            let counts = try await caller.jobs(of: "e").compactMap { $0["status"]?.string }
            #expect(counts.count == 25)
            for status in Self.statuses { #expect(counts.count { $0 == status } == 5) }
            let record = try await place.store.record(of: "e")
            let intervals = try await place.store.intervals(of: "e")
            for state in Interval.State.allCases {
                #expect(record.counts[state] ?? 0 == intervals.count { $0.state == state }, "\(state)")
            }
            #expect(record.undecided == intervals.count(where: \.isUndecided))
            #expect(record.bestScore == intervals.compactMap(\.score).max())
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a population that is edited at random stays one whose decisions can be derived again`(
        store: SchedyStore
    ) async throws {
        for seed in 0..<UInt64(3) {
            try await withSchedy(store) { place in
                let caller = place.caller
                _ = try await caller.create("e", Self.population)
                var random = Xoshiro256(seed: seed)
                for _ in 0..<150 {
                    let draw = Int(random.next() % 10)
                    switch draw {
                    case 0:
                        _ = try await caller.push("e", ["hyperparameters": ["rate": 1.25, "own": "x"]])
                    case 1, 2, 3:
                        let jobs = try await caller.jobs(of: "e")
                        guard !jobs.isEmpty else { continue }
                        let job = jobs[Int(random.next() % UInt64(jobs.count))]
                        let id = job["id"]?.string ?? ""
                        if draw == 3, random.next() % 3 == 0 {
                            let path = "experiments/e/jobs/\(SchedyCaller.encoded(id))/"
                            #expect(try await caller.call("DELETE", path).status == 204)
                            continue
                        }
                        let status = Self.statuses[Int(random.next() % 5)]
                        var body: [String: Value] = [
                            "status": .string(status), "results": ["quality": .integer(Int(random.next() % 50))],
                        ]
                        body["hyperparameters"] = job["hyperparameters"]
                        #expect(try await caller.put(id, of: "e", .object(body)).status == 200)
                    default:
                        _ = try await caller.train("e") { given, _ in
                            ["quality": .number((given["rate"]?.double ?? 0) * 10)]
                        }
                    }
                }
                let audit = try await place.audit("e")
                #expect(audit.mismatches == [], "seed \(seed)")
                #expect(audit.findings.contains { $0.recorded?.isExploit == true })
                let record = try await place.store.record(of: "e")
                let intervals = try await place.store.intervals(of: "e")
                for state in Interval.State.allCases {
                    #expect(
                        record.counts[state] ?? 0 == intervals.count { $0.state == state && !$0.isDeleted }, "\(state)")
                }
                #expect(record.undecided == intervals.count(where: \.isUndecided))
                #expect(record.bestScore == intervals.compactMap(\.score).max())
            }
        }
    }

    @Test func `a crashed job that is queued again is trained again in its place`() async throws {
        try await withSchedy(.sqlite) { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.population)
            var jobs: [SchedyCaller.Answer] = []
            for _ in 0..<4 { jobs.append(try #require(try await caller.begin("e"))) }
            let crashed = try await caller.put(jobs[0], of: "e", status: "CRASHED")
            for job in jobs.dropFirst() {
                _ = try await caller.put(job, of: "e", status: "DONE", results: ["quality": 1])
            }
            let queued = try await caller.put(crashed, of: "e", status: "QUEUED")
            #expect(queued.status == 200)
            let again = try #require(try await caller.begin("e"))
            #expect(again.id == crashed.id)
            #expect(again.hyperparameters == crashed.hyperparameters)
            _ = try await caller.put(again, of: "e", status: "DONE", results: ["quality": 2])
            var more = 0
            while try await caller.train("e", { _, _ in ["quality": 1] }) != nil { more += 1 }
            #expect(more == 8)
            #expect(try await caller.jobs(of: "e").count == 12)
            #expect(try await caller.experiment("e").json["status"] == "DONE")
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test func `results of a job that others were made from may change, its score and hyperparameters may not`()
        async throws
    {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.population)
            var jobs: [SchedyCaller.Answer] = []
            for _ in 0..<4 {
                jobs.append(
                    try #require(try await caller.train("e") { given, _ in ["quality": given["rate"] ?? .null] }))
            }
            _ = try #require(try await caller.begin("e"))
            let before = try await place.store.intervals(of: "e").first { $0.label == jobs[0].id }?.score
            let edited = try await caller.put(
                jobs[0].id, of: "e", ["status": "DONE", "results": ["quality": 99, "note": "x"]], ifMatch: "*")
            #expect(edited.status == 200)
            #expect(edited.results == ["quality": 99, "note": "x"])
            #expect(try await place.store.intervals(of: "e").first { $0.label == jobs[0].id }?.score == before)
            let refused = try await caller.put(
                jobs[0].id, of: "e", ["status": "DONE", "hyperparameters": ["rate": 7], "results": ["quality": 99]])
            #expect(refused.status == 409)
            #expect(
                refused.text
                    == "the job has finished and has successors; its hyperparameters can no longer be changed")
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test func `hyperparameters left out of an update stay, and of an overwriting are none`() async throws {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            let job = try await caller.push("e", ["hyperparameters": ["a": 1], "results": ["b": 2]])
            let running = try await caller.put(job.id, of: "e", ["status": "RUNNING"], ifMatch: job.tag)
            #expect(running.hyperparameters == ["a": 1])
            #expect(running.results == [:])
            let emptied = try await caller.put(
                job.id, of: "e", ["status": "RUNNING", "hyperparameters": [:]], ifMatch: running.tag)
            #expect(emptied.hyperparameters == [:])
            _ = try await caller.put(job.id, of: "e", ["hyperparameters": ["a": 1]])
            #expect(try await caller.put(job.id, of: "e", ["status": "QUEUED"]).hyperparameters == [:])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `replacing a definition is a revision, and each decision is derived by the one in force`(
        store: SchedyStore
    ) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.population)
            func train(_ count: Int) async throws {
                for _ in 0..<count {
                    _ = try await caller.train("e") { given, _ in
                        ["quality": .number((given["rate"]?.double ?? 0) * 10)]
                    }
                }
            }
            _ = try await caller.push("e", ["hyperparameters": ["rate": 100, "own": "x"]])
            try await train(7)
            let other: Value = [
                "PBT": [
                    "objective": "max", "qualityResultName": "quality", "exploit": ["truncate": 0.5], "numParallel": 6,
                    "maxGenerations": 5, "init": ["rate": ["uniform": ["low": 5, "high": 9]]],
                    "explore": ["rate": ["perturb": ["minFactor": 3, "maxFactor": 4]]],
                ]
            ]
            let replaced = try await caller.call("PUT", "experiments/e/", ["status": "RUNNING", "scheduler": other])
            #expect(replaced.status == 200)
            try await train(20)
            #expect(try await place.store.revisions(of: "e").map(\.number) == [0, 1])
            let edits = try await place.store.events(of: "e", after: nil, limit: 1000).filter { $0.kind == .edited }
            #expect(edits.count == 1)
            #expect(edits.first?.editedChanges.contains("intervals: 3 → 5") == true)
            let audit = try await place.audit("e")
            #expect(audit.mismatches == [])
            #expect(audit.findings.contains { $0.recorded?.isExploit == true })
            // What a job was given by hand besides stays with its member.
            let jobs = try await place.store.intervals(of: "e").filter { $0.hyperparameters["own"] == "x" }
            #expect(jobs.contains { $0.id.index > 1 })
            // By the new definition alone, founders and decisions before it cannot be derived.
            let record = try await place.store.record(of: "e")
            let intervals = try await place.store.intervals(of: "e")
            #expect(try Audit(experiment: record.experiment, intervals: intervals).mismatches != [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a definition may be replaced while jobs are there`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            func replace(_ scheduler: Value, status: Value = "RUNNING") async throws -> SchedyCaller.Answer {
                try await caller.call("PUT", "experiments/e/", ["status": status, "scheduler": scheduler])
            }
            // It need not be there before.
            #expect(try await replace(["Manual": nil]).status == 201)
            let added = try await caller.push(
                "e", ["status": "DONE", "hyperparameters": ["rate": 3], "results": ["quality": 5]])
            let queued = try await caller.push("e", ["hyperparameters": ["rate": 4]])
            let random: Value = ["RandomSearch": ["rate": ["uniform": ["low": 0, "high": 1]]]]
            let replaced = try await replace(random)
            #expect(replaced.status == 200)
            #expect(replaced.json["scheduler"] == random)
            #expect(try await caller.job(added.id, of: "e").json == added.json)
            #expect(try await caller.next("e").id == queued.id)
            #expect((0.0..<1).contains(try await caller.next("e").hyperparameters["rate"]?.double ?? -1))
            #expect(try await place.audit("e").mismatches == [])

            // From a population of one generation to one of three: it goes on.
            var parameters = try #require(Self.population["PBT"]?.object)
            parameters["maxGenerations"] = 1
            #expect(try await replace(["PBT": .object(parameters)]).status == 200)
            #expect(try await caller.job(added.id, of: "e").json == added.json)
            while try await caller.train("e", { _, _ in ["quality": 1] }) != nil {}
            #expect(try await caller.experiment("e").json["status"] == "DONE")
            let first = try await caller.jobs(of: "e").count
            #expect(first == 4)
            #expect(try await replace(Self.population).json["status"] == "RUNNING")
            while try await caller.train("e", { _, _ in ["quality": 1] }) != nil {}
            #expect(try await caller.jobs(of: "e").count == 12)
            #expect(try await caller.experiment("e").json["status"] == "DONE")
            #expect(try await place.audit("e").mismatches == [])
            // And a smaller limit than there is already trained.
            #expect(try await replace(["PBT": .object(parameters)], status: "DONE").json["status"] == "DONE")
            #expect(try await caller.jobs(of: "e").count == 12)
        }
    }
}
