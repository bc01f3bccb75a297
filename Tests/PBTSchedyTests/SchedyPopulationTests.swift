// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTReport
import PBTServer
import PBTTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct SchedyPopulationTests {
    private static func scheduler(
        _ objective: Value = "max", members: Value? = 10, generations: Value? = 3, sampled: Bool = true
    ) -> Value {
        var parameters: [String: Value] = [
            "objective": objective, "qualityResultName": "quality", "exploit": ["truncate": 0.2],
            "explore": [
                "rate": ["perturb": ["minFactor": 0.5, "maxFactor": 2]],
                "n": ["perturb": ["minFactor": 1.5, "maxFactor": 1.5]],
                "word": ["perturb": ["minFactor": 0.8, "maxFactor": 1.2]],
            ],
        ]
        parameters["numParallel"] = members
        parameters["maxGenerations"] = generations
        if sampled {
            parameters["init"] = [
                "rate": ["uniform": ["low": 1, "high": 2]], "n": ["const": 4], "word": ["const": "a"],
                "kept": ["uniform": ["low": 0, "high": 1]],
            ]
        }
        return ["PBT": .object(parameters)]
    }

    @Test(arguments: SchedyStore.allCases, ["max", "min"])
    func `after a generation the bottom fifth goes on from the top fifth, explored`(
        store: SchedyStore, objective: String
    ) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e/ü", Self.scheduler(.string(objective)))
            var founders: [SchedyCaller.Answer] = []
            for _ in 0..<10 { founders.append(try #require(try await caller.begin("e/ü"))) }
            #expect(try await caller.next("e/ü").status == 204)
            var finished: [SchedyCaller.Answer] = []
            for (i, founder) in founders.enumerated() {
                #expect(founder.results == [:])
                #expect(Set(founder.hyperparameters.keys) == ["rate", "n", "word", "kept"])
                let results: [String: Value] = [
                    "quality": .integer((i * 7) % 10), "history": [.integer(i)], "path": .string("/\(i)"),
                ]
                finished.append(try await caller.put(founder, of: "e/ü", status: "DONE", results: results))
            }
            let better = { (job: SchedyCaller.Answer) in
                (job.results["quality"]?.double ?? 0) * (objective == "max" ? 1 : -1)
            }
            let ranked = finished.sorted { better($0) > better($1) }
            var children: [SchedyCaller.Answer] = []
            for _ in 0..<10 { children.append(try #require(try await caller.begin("e/ü"))) }
            #expect(try await caller.next("e/ü").status == 204)
            var copied = 0
            for child in children {
                let parent = try #require(finished.first { $0.results == child.results })
                let isCopy = child.hyperparameters != parent.hyperparameters
                guard isCopy else { continue }
                copied += 1
                #expect(ranked.prefix(2).contains { $0.id == parent.id })
                let rate = (child.hyperparameters["rate"]?.double ?? 0) / (parent.hyperparameters["rate"]?.double ?? 0)
                #expect((0.5..<2).contains(rate))
                #expect(child.hyperparameters["n"] == 6.0)
                #expect(child.hyperparameters["word"] == "a")
                #expect(child.hyperparameters["kept"] == parent.hyperparameters["kept"])
            }
            // The two worst are replaced, the others go on unchanged.
            #expect(copied == 2)
            for loser in ranked.suffix(2) { #expect(!children.contains { $0.results == loser.results }) }
            for other in ranked.prefix(8) { #expect(children.contains { $0.results == other.results }) }
            #expect(Set((finished + children).map(\.id)).count == 20)
            #expect(try await place.audit("e/ü").mismatches == [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `exactly as many jobs are handed out as members times generations`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.scheduler(members: 4, generations: 3))
            var trained = 0
            while let job = try await caller.train(
                "e",
                { given, results in
                    var losses = results["losses"]?.array ?? []
                    losses.append(given["rate"] ?? .null)
                    return ["quality": given["rate"] ?? .null, "losses": .array(losses)]
                })
            {
                trained += 1
                #expect(!job.id.isEmpty && trained < 100)
            }
            #expect(trained == 12)
            #expect(try await caller.experiment("e").json["status"] == "DONE")
            #expect(try await caller.next("e").status == 204)
            #expect(try await caller.jobs(of: "e").count == 12)
            // What an experiment of ours has, it has too.
            let record = try await place.store.record(of: "e")
            #expect(record.state == .finished)
            #expect(record.intervalsFinished == 12 && record.intervalsPlanned == 12)
            let intervals = try await place.store.intervals(of: "e")
            // Every worker found the list of the one that it went on from.
            #expect(intervals.allSatisfy { $0.metrics["losses"]?.array?.count == $0.depth })
            let best = try #require(record.best)
            let genealogy = Genealogy(intervals)
            #expect(genealogy.lineage(of: best).count == genealogy.schedule(of: best).count)
            #expect(genealogy.lineage(of: best).last?.score == record.bestScore)
            #expect(try await place.audit("e").mismatches == [])
            #expect(try await place.store.garbage(of: "e") == [])
        }
    }

    @Test func `a job without a finite quality counts as the worst`() async throws {
        let worst: [[String: Value]] = [[:], ["quality": "high"], ["quality": nil], ["other": 1]]
        for results in worst {
            try await withSchedy { place in
                let caller = place.caller
                _ = try await caller.create("e", Self.scheduler(members: 5))
                var jobs: [SchedyCaller.Answer] = []
                for _ in 0..<5 { jobs.append(try #require(try await caller.begin("e"))) }
                for (i, job) in jobs.enumerated() {
                    _ = try await caller.put(
                        job, of: "e", status: "DONE", results: i == 0 ? results : ["quality": .integer(i)])
                }
                // Decided first, and replaced by the best.
                #expect(try await caller.next("e").results == ["quality": 4])
                #expect(try await place.audit("e").mismatches == [])
            }
        }
    }

    @Test func `a crashed job's place is taken by a copy, and crashes do not end the experiment`() async throws {
        try await withSchedy(.sqlite) { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.scheduler(members: 3, generations: 4))
            var handedOut = 0
            while let job = try await caller.begin("e") {
                handedOut += 1
                _ =
                    handedOut % 3 == 0
                    ? try await caller.put(job, of: "e", status: "DONE", results: ["quality": 1])
                    : try await caller.put(job, of: "e", status: handedOut % 3 == 1 ? "CRASHED" : "PRUNED")
                #expect(handedOut < 50)
            }
            #expect(handedOut == 12)
            #expect(try await caller.experiment("e").json["status"] == "DONE")
            let all = try await caller.jobs(of: "e").compactMap { $0["status"]?.string }
            #expect(Dictionary(all.map { ($0, 1) }, uniquingKeysWith: +) == ["DONE": 4, "CRASHED": 4, "PRUNED": 4])
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test func `jobs queued by hand come first and count as initial jobs`() async throws {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.scheduler(members: 3, generations: 2))
            let given: Value = ["rate": 1.5, "n": 4, "word": "a", "own": ["x", 1]]
            let queued = try await caller.push("e", ["hyperparameters": given])
            let first = try #require(try await caller.begin("e"))
            #expect(first.id == queued.id)
            #expect(first.json["hyperparameters"] == given)
            var handedOut = 1
            _ = try await caller.put(first, of: "e", status: "DONE", results: ["quality": 1])
            while try await caller.train("e", { _, _ in ["quality": 0.5] }) != nil { handedOut += 1 }
            #expect(handedOut == 6)
            #expect(try await caller.experiment("e").json["status"] == "DONE")
            // One more lets it go on.
            let more = try await caller.push("e", ["hyperparameters": given])
            #expect(more.status == 201)
            #expect(try await caller.experiment("e").json["status"] == "RUNNING")
            while try await caller.train("e", { _, _ in ["quality": 0.5] }) != nil { handedOut += 1 }
            #expect(handedOut == 8)
            let mismatches = try await place.audit("e").mismatches
            #expect(mismatches == [])
        }
    }

    @Test func `without init only what is pushed begins a member`() async throws {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.scheduler(members: 2, generations: 2, sampled: false))
            #expect(try await caller.next("e").status == 204)
            for rate in [1.0, 2] {
                _ = try await caller.push("e", ["hyperparameters": ["rate": .number(rate), "n": nil, "word": "a"]])
            }
            var handedOut = 0
            while try await caller.train("e", { given, _ in ["quality": given["rate"] ?? .null] }) != nil {
                handedOut += 1
            }
            #expect(handedOut == 4)
            #expect(try await caller.experiment("e").json["status"] == "DONE")
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test func `without limits it goes on for ever, with as many members as there are workers`() async throws {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.scheduler(members: nil, generations: nil))
            for round in 0..<20 {
                let (a, b) = (try #require(try await caller.begin("e")), try #require(try await caller.begin("e")))
                for job in [a, b] {
                    _ = try await caller.put(
                        job, of: "e", status: "DONE", results: ["quality": job.hyperparameters["rate"] ?? .null])
                }
                #expect(try await place.store.record(of: "e").experiment.population == 2, "\(round)")
            }
            #expect(try await caller.experiment("e").json["status"] == "RUNNING")
            let record = try await place.store.record(of: "e")
            #expect(record.intervalsPlanned == 40)
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `twenty clients at once get every job exactly once`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("race", Self.scheduler(members: 12, generations: 5))
            let trained = try await withThrowingTaskGroup(of: [String].self) { group in
                for worker in 0..<20 {
                    group.addTask {
                        var mine: [String] = []
                        while true {
                            guard let job = try await caller.begin("race") else {
                                guard try await caller.experiment("race").json["status"] == "RUNNING" else {
                                    return mine
                                }
                                await Task.yield()
                                continue
                            }
                            mine.append(job.id)
                            let rate = job.hyperparameters["rate"]?.double ?? 0
                            let before = job.results["quality"]?.double ?? 0
                            let done = try await caller.put(
                                job, of: "race", status: "DONE",
                                results: ["quality": .number(before + 1 / (1 + rate)), "by": .integer(worker)])
                            guard done.status == 200 else {
                                throw PBTError(.inputOutput, "\(done.status) \(done.text)")
                            }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(trained.count == 60)
            #expect(Set(trained).count == 60)
            let jobs = try await caller.jobs(of: "race")
            #expect(Set(jobs.compactMap { $0["id"]?.string }) == Set(trained))
            #expect(jobs.allSatisfy { $0["status"] == "DONE" })
            let intervals = try await place.store.intervals(of: "race")
            #expect(intervals.count == 60)
            #expect(intervals.allSatisfy { $0.state == .done && $0.attempts == 1 && $0.failures == 0 })
            let audit = try await place.audit("race")
            #expect(audit.mismatches == [])
            #expect(audit.findings.contains { $0.recorded?.isExploit == true })
        }
    }
}
