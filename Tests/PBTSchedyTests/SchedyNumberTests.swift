// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSchedy
import PBTServer
import PBTTesting
import ServerTestSupport
import Testing

/// Numbers that JSON does not have, or that do not fit into 64 bits.
@Suite(.timeLimit(.minutes(10))) struct SchedyNumberTests {
    @Test(arguments: SchedyStore.allCases)
    func `NaN and infinity in results come back as they were sent`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            let added = try await caller.call(
                "POST", "experiments/e/jobs/",
                text: #"{"results": {"all": [{"a": -Infinity}, NaN], "loss": NaN, "x": 1}}"#)
            let written = #""results":{"all":[{"a":-Infinity},NaN],"loss":NaN,"x":1}"#
            #expect(added.text.contains(written))
            let read = try await caller.job(added.id, of: "e")
            #expect(read.text == added.text)
            #expect(try await caller.call("GET", "experiments/e/jobs/").text.contains(written))
            // The metrics of every other interface stay valid JSON.
            let metrics = try await place.store.intervals(of: "e").first?.metrics
            #expect(metrics == ["all": [["a": nil], nil], "loss": nil, "x": 1])
            let running = try await caller.next("e")
            #expect(running.text.contains(written))
            let done = try await caller.call(
                "PUT", "experiments/e/jobs/\(added.id)/",
                text: #"{"status": "DONE", "results": {"loss": 2, "y": Infinity}}"#,
                headers: [("If-Match", running.tag)])
            #expect(done.text.contains(#""results":{"loss":2,"y":Infinity}"#))
            #expect(done.tag != running.tag)
            let cleared = try await caller.put(done, of: "e", status: "DONE", results: ["loss": 2])
            #expect(cleared.text.contains(#""results":{"loss":2}"#))
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a successor gets NaN of the job that it continues`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            let parameters: Value = ["objective": "min", "qualityResultName": "q", "exploit": ["truncate": 0.2]]
            _ = try await caller.create("e", ["PBT": parameters])
            _ = try await caller.call(
                "POST", "experiments/e/jobs/", text: #"{"status": "DONE", "results": {"history": [NaN, 3], "q": 3}}"#)
            #expect(try await caller.next("e").text.contains(#""results":{"history":[NaN,3],"q":3}"#))
            // As the quality it counts as the worst.
            _ = try await caller.call(
                "POST", "experiments/e/jobs/", text: #"{"status": "DONE", "results": {"q": NaN}}"#)
            #expect(try await place.store.intervals(of: "e").last?.state == .diverged)
            #expect(try await caller.jobs(of: "e").last?["results"]?["q"]?.double?.isNaN == true)
        }
    }

    @Test(arguments: ["hyperparameters", "results"])
    func `an integer beyond 64 bits is exact or refused`(part: String) async throws {
        try await withSchedy(.sqlite) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            func add(_ number: String) async throws -> SchedyCaller.Answer {
                try await caller.call("POST", "experiments/e/jobs/", text: #"{"\#(part)": {"n": [\#(number)]}}"#)
            }
            for number in ["9223372036854775807", "-9223372036854775808", "9007199254740993"] {
                #expect(try await add(number).text.contains(#"{"n":[\#(number)]}"#))
            }
            // The value of 2^64, which a floating-point number has exactly.
            #expect(try await add("18446744073709551616").text.contains(#"{"n":[1.8446744073709552e+19]}"#))
            for number in ["18446744073709551615", "9223372036854775809", "-9223372036854775809"] {
                let refused = try await add(number)
                #expect(refused.status == 400)
                #expect(refused.text.contains("the integer \(number) does not fit into 64 bits and would be rounded"))
            }
            #expect(try await caller.jobs(of: "e").count == 4)
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a job of a population has every hyperparameter that is explored`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            let explore: Value = ["perturb": ["minFactor": 0.8, "maxFactor": 1.2]]
            _ = try await caller.create(
                "e",
                [
                    "PBT": [
                        "objective": "max", "qualityResultName": "q", "exploit": ["truncate": 0.2],
                        "explore": ["lr": explore, "momentum": explore],
                    ]
                ])
            let refused = try await caller.push("e", ["hyperparameters": ["lr": 1, "layers": 2]])
            #expect(refused.status == 400)
            #expect(
                refused.text == #"the job lacks "momentum": it must have every hyperparameter that is explored"#)
            #expect(try await caller.push("e", [:]).status == 400)
            #expect(try await caller.put("mine", of: "e", [:], ifNoneMatch: "*").status == 400)
            let job = try await caller.push("e", ["hyperparameters": ["lr": 1, "momentum": 0.9, "layers": 2]])
            #expect(job.status == 201)
            #expect(try await caller.put(job.id, of: "e", ["status": "RUNNING"]).status == 400)
            #expect(try await caller.put(job.id, of: "e", ["status": "RUNNING"], ifMatch: job.tag).status == 200)
            let error = await #expect(throws: PBTError.self) {
                try await place.store.push(Hyperparameters(["lr": 1]), to: "e")
            }
            #expect(
                error?.message == "hyperparameter \"momentum\" is missing: explore changes it, so it needs a value")
            #expect(try await caller.jobs(of: "e").count == 1)
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `what pbt push adds is listed as QUEUED immediately`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            let pushed = try await place.store.push(Hyperparameters(["x": 1]), to: "e")
            let jobs = try await caller.jobs(of: "e")
            #expect(jobs.map { $0["status"] } == ["QUEUED"])
            #expect(jobs.first?["hyperparameters"] == ["x": 1])
            let id = try #require(jobs.first?["id"]?.string)
            #expect(id.count == 6 && pushed.label == id)
            let next = try await caller.next("e")
            #expect(next.id == id)
            #expect(try await caller.put(next, of: "e", status: "RUNNING").status == 200)
            #expect(try await place.audit("e").mismatches == [])
        }
    }
}
