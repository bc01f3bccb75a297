// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTServer
import PBTTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct SchedyJobTests {
    @Test(arguments: SchedyStore.allCases)
    func `a job is added by hand, handed out, started and finished`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            #expect(try await caller.next("e").status == 204)
            let given: Value = ["rate": 0.1, "name ü/": ["a", nil, ["b": true]], "n": 3]
            let added = try await caller.push("e", ["hyperparameters": given])
            #expect(added.status == 201)
            #expect(added.jobStatus == "QUEUED")
            #expect(added.json["experiment"] == "e")
            #expect(added.json["hyperparameters"] == given)
            #expect(added.results == [:])
            #expect(added.id.count == 6)
            #expect(added.id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
            let read = try await caller.job(added.id, of: "e")
            #expect(read.status == 200)
            #expect(read.json == added.json)
            #expect(read.tag == added.tag && !read.tag.isEmpty)

            let next = try await caller.next("e")
            #expect(next.status == 200)
            #expect(next.json == added.json)
            // It is kept for whoever asked.
            #expect(try await caller.next("e").status == 204)
            let running = try await caller.put(next, of: "e", status: "RUNNING")
            #expect(running.status == 200)
            #expect(running.jobStatus == "RUNNING")
            #expect(running.json["hyperparameters"] == given)
            let partial = try await caller.put(running, of: "e", status: "RUNNING", results: ["losses": [3, 2]])
            #expect(partial.results == ["losses": [3, 2]])
            let done = try await caller.put(
                partial, of: "e", status: "DONE", results: ["losses": [3, 2, 1], "loss": 1, "path": "/x"])
            #expect(done.status == 200)
            #expect(done.jobStatus == "DONE")
            #expect(try await caller.job(added.id, of: "e").json == done.json)
            #expect(Set([added.tag, next.tag, running.tag, partial.tag, done.tag]).count == 5)
            #expect(try await caller.next("e").status == 204)

            let interval = try #require(try await place.store.intervals(of: "e").first)
            #expect(interval.state == .done)
            #expect(interval.score == nil)
            #expect(interval.metrics["loss"] == 1)
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test(arguments: ["QUEUED", "RUNNING", "CRASHED", "PRUNED", "DONE"])
    func `a job may be made in any status, by POST or by PUT`(status: String) async throws {
        try await withSchedy(.sqlite) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            let body: Value = ["status": .string(status), "hyperparameters": ["a": 1], "results": ["loss": 0.5]]
            let posted = try await caller.push("e", body)
            #expect(posted.status == 201)
            #expect(posted.jobStatus == status)
            let id = "my job/ü %"
            let made = try await caller.put(id, of: "e", body, ifNoneMatch: "*")
            #expect(made.status == 201)
            #expect(made.id == id)
            #expect(try await caller.put(id, of: "e", body, ifNoneMatch: "*").status == 412)
            let overwritten = try await caller.put(id, of: "e", ["status": .string(status)])
            #expect(overwritten.status == 200)
            #expect(overwritten.hyperparameters == [:] && overwritten.results == [:])
            let other = try await caller.put("other", of: "e", body)
            #expect(other.status == 201)
            #expect(try await caller.job(id, of: "e").jobStatus == status)
            #expect(try await caller.jobs(of: "e").count == 3)
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test func `a job that changed meanwhile is not overwritten`() async throws {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            let job = try await caller.push("e", ["hyperparameters": ["a": 1]])
            let first = try await caller.put(job, of: "e", status: "RUNNING")
            #expect(first.status == 200)
            let second = try await caller.put(job, of: "e", status: "RUNNING")
            #expect(second.status == 412)
            #expect(second.text == "job \"\(job.id)\" was changed in the meantime: it is now RUNNING")
            #expect(try await caller.put("none", of: "e", ["status": "DONE"], ifMatch: "\"x\"").status == 412)
            #expect(try await caller.put("none", of: "e", ["status": "DONE"], ifMatch: "*").status == 412)
            #expect(try await caller.put(job.id, of: "e", ["status": "RUNNING"], ifMatch: "*").status == 200)
            let weak = try await caller.job(job.id, of: "e").tag
            #expect(
                try await caller.put(job.id, of: "e", ["status": "RUNNING"], ifMatch: "\"x\", W/\(weak)").status == 200)
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `what was handed out and not begun comes back after half a minute, and that is no failure`(
        store: SchedyStore
    ) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            _ = try await caller.push("e", ["hyperparameters": ["a": 1]])
            for _ in 0..<5 {
                let job = try await caller.next("e")
                #expect(job.status == 200)
                place.clock.advance(by: .seconds(29))
                #expect(try await caller.next("e").status == 204)
                place.clock.advance(by: .seconds(1))
            }
            // The first of two that were given it wins only if the second did not ask yet.
            let late = try await caller.next("e")
            place.clock.advance(by: .seconds(31))
            let prompt = try await caller.next("e")
            #expect(prompt.id == late.id)
            #expect(try await caller.put(late, of: "e", status: "RUNNING").status == 412)
            #expect(try await caller.put(prompt, of: "e", status: "RUNNING").status == 200)
            let interval = try #require(try await place.store.intervals(of: "e").first)
            #expect(interval.failures == 0)
            #expect(interval.attempts == 1)
            // One that runs is never lost: nobody hears of it until it is done.
            place.clock.advance(by: .seconds(1_000_000_000))
            #expect(try await caller.next("e").status == 204)
            #expect(try await caller.job(late.id, of: "e").jobStatus == "RUNNING")
        }
    }

    @Test func `with a timeout a job whose worker is not heard of comes back with its results`() async throws {
        try await withSchedy(.sqlite, timeout: .seconds(100)) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            _ = try await caller.push("e", ["hyperparameters": ["a": 1]])
            let running = try #require(try await caller.begin("e"))
            place.clock.advance(by: .seconds(99))
            let partial = try await caller.put(running, of: "e", status: "RUNNING", results: ["path": "/x"])
            place.clock.advance(by: .seconds(99))
            #expect(try await caller.next("e").status == 204)
            place.clock.advance(by: .seconds(2))
            let again = try await caller.next("e")
            #expect(again.id == running.id)
            #expect(again.results == ["path": "/x"])
            #expect(try await caller.put(partial, of: "e", status: "DONE").status == 412)
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a random search hands out what is queued first, then samples without end`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create(
                "e",
                [
                    "RandomSearch": [
                        "u": ["uniform": ["low": 1, "high": 2]], "l": ["loguniform": ["low": 1e-3, "high": 1e3]],
                        "n": ["normal": ["mean": 5, "std": 2]], "k": ["const": ["deep": [1, nil]]],
                        "c": ["choice": ["values": ["a", 7, [1]], "weights": [1, 1, 0]]],
                    ]
                ])
            let hyperparameters: Value = ["u": "by hand", "l": nil, "n": 1, "k": 2, "c": 3]
            let refused = try await caller.push("e", ["hyperparameters": ["u": 1]])
            #expect(refused.status == 400)
            #expect(refused.text == #"the job must have exactly these hyperparameters: "c", "k", "l", "n", "u""#)
            let queued = try await caller.push("e", ["hyperparameters": hyperparameters])
            #expect(try await caller.next("e").id == queued.id)
            var drawn: [[String: Value]] = []
            for _ in 0..<200 {
                let job = try #require(
                    try await caller.train("e") { given, _ in ["score": given["u"] ?? .null] })
                drawn.append(job.hyperparameters)
            }
            #expect(drawn.allSatisfy { (1.0..<2).contains($0["u"]?.double ?? 0) })
            #expect(drawn.allSatisfy { (1e-3..<1e3).contains($0["l"]?.double ?? 0) })
            #expect((80..<120).contains(drawn.count { ($0["l"]?.double ?? 0) < 1 }))
            #expect(drawn.allSatisfy { $0["k"] == ["deep": [1, nil]] })
            #expect((75..<125).contains(drawn.count { $0["c"] == "a" }))
            #expect(drawn.allSatisfy { $0["c"] == "a" || $0["c"] == 7 })
            let mean = drawn.reduce(0.0) { $0 + ($1["n"]?.double ?? 0) } / 200
            #expect((4.5..<5.5).contains(mean))
            #expect(Set(drawn.map { $0["u"]?.json ?? "" }).count == 200)
            #expect(try await caller.experiment("e").json["status"] == "RUNNING")
            let record = try await place.store.record(of: "e")
            #expect(record.counts[.done] == 200)
            #expect(record.best == nil)
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `jobs come in pages, each once, while others are added`(store: SchedyStore) async throws {
        try await withSchedy(store, pageSize: 5) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            var ids: [String] = []
            for x in 0..<13 {
                ids.append(try await caller.push("e", ["hyperparameters": ["x": .integer(x)]]).id)
            }
            #expect(Set(ids).count == 13)
            let first = try await caller.call("GET", "experiments/e/jobs/")
            #expect(first.items.count == 5)
            let next = try #require(first.json["next"]?.string)
            _ = try await caller.push("e", [:])
            let second = try await caller.call("GET", "experiments/e/jobs/?start=\(SchedyCaller.encoded(next))")
            #expect(second.items.compactMap { $0["id"]?.string } == Array(ids[5..<10]))
            #expect(try await caller.jobs(of: "e").prefix(13).compactMap { $0["id"]?.string } == ids)
            #expect(try await caller.call("GET", "experiments/e/jobs/?start=nonsense").status == 400)
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a job is deleted, whatever its status`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            for status in ["QUEUED", "RUNNING", "CRASHED", "PRUNED", "DONE"] {
                let job = try await caller.push("e", ["status": .string(status), "results": ["loss": 1]])
                let path = "experiments/e/jobs/\(job.id)/"
                #expect(
                    try await caller.call("DELETE", path, headers: [("If-Match", "\"x\"")]).status == 412)
                #expect(try await caller.call("DELETE", path, headers: [("If-Match", "*")]).status == 204)
                #expect(try await caller.job(job.id, of: "e").status == 404)
                #expect(try await caller.call("DELETE", path, headers: [("If-Match", "*")]).status == 412)
                #expect(try await caller.call("DELETE", path).status == 204)
                #expect(try await caller.put(job, of: "e", status: "DONE").status == 412)
                // Its name is free again.
                #expect(try await caller.put(job.id, of: "e", [:], ifNoneMatch: "*").status == 201)
                #expect(try await caller.next("e").id == job.id)
                #expect(try await caller.call("DELETE", path).status == 204)
            }
            #expect(try await caller.jobs(of: "e") == [])
            #expect(try await caller.next("e").status == 204)
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test func `what is no job is refused`() async throws {
        try await withSchedy { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            for (text, says) in [
                ("[]", "a job must be a JSON object"),
                (
                    #"{"status": "LOST"}"#,
                    #""status" must be one of QUEUED, RUNNING, CRASHED, PRUNED, DONE, not "LOST""#
                ),
                (#"{"hyperparameters": [1]}"#, #""hyperparameters" must be an object, not a list"#),
                (#"{"results": 1}"#, #""results" must be an object, not a number"#),
            ] {
                let answer = try await caller.call("POST", "experiments/e/jobs/", text: text)
                #expect(answer.status == 400)
                #expect(answer.text == says)
            }
            let broken = try await caller.call("POST", "experiments/e/jobs/", text: "{")
            #expect(broken.status == 400)
            #expect(broken.text.hasPrefix("the body is not valid JSON: "))
            let long = String(repeating: "x", count: 200)
            #expect(try await caller.put(long, of: "e", [:]).status == 400)
            #expect(try await caller.put("a", of: "e", [:], ifNoneMatch: "\"tag\"").status == 400)
            #expect(try await caller.jobs(of: "e") == [])
        }
    }
}
