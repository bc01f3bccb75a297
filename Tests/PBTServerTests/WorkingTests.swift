// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTServer
import PBTTesting
import Testing

@Suite(.timeLimit(.minutes(10)))
struct WorkingTests {
    @Test func `a claim brings all that is needed to train, and the definition unless it is declined`() async throws {
        try await withServer { server in
            try await server.create()
            let answer = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "w", "term": 90]).json
            let assignment = try #require(answer["assignments"]?.array?.first)
            let record = try await server.store.record(of: "toy")
            let stored = try await server.store.interval(IntervalID(member: 0, index: 0), of: "toy")
            #expect(assignment["interval"]?["hyperparameters"] == stored.hyperparameters.value)
            #expect(assignment["seed"]?.int == record.experiment.trainerSeed(for: stored.id))
            #expect(assignment["interval_seed"]?.int == record.experiment.intervalSeed(at: stored.id.index))
            #expect(assignment["objective"] == ["metric": "score", "goal": "maximize"])
            #expect(assignment["definition"] == record.experiment.value)
            #expect(assignment["lease"]?["worker"] == "w")
            #expect(assignment["lease"]?["attempt"] == 1)
            #expect(assignment["parent_checkpoint"] == nil)
            #expect(answer["state"] == "running")
            #expect(answer["experiment"]?["name"] == "toy")
            #expect(answer["experiment"]?.object?.keys.contains("definition") == false)
            let declined = try await server.ask(
                .POST, "/experiments/toy/claims", ["worker": "w", "definition": false]
            ).json
            #expect(declined["assignments"]?.array?.count == 1)
            #expect(declined["assignments"]?.array?.first?.object?.keys.contains("definition") == false)
            #expect(
                declined["assignments"]?.array?.first?["definition_version"] == assignment["definition_version"])
        }
    }

    @Test func `several are claimed at once, each with its own lease`() async throws {
        try await withServer { server in
            try await server.create(population: 5)
            let answer = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "w", "count": 3]).json
            let leases = answer["assignments"]?.array?.compactMap { $0["lease"] } ?? []
            #expect(Value.array(leases).intervalNames == ["0@0", "1@0", "2@0"])
            #expect(Set(leases.map { $0["token"]?.string }).count == 3)
            let rest = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "w", "count": 1000]).json
            #expect(rest["assignments"]?.array?.count == 2)
        }
    }

    @Test func `a claim with the same key gets the same intervals while they are leased`() async throws {
        try await withServer { server in
            try await server.create(population: 4)
            let body: Value = ["worker": "w", "count": 2, "key": "0123456789abcdefghij-_"]
            let first = try await server.ask(.POST, "/experiments/toy/claims", body).json
            let second = try await server.ask(.POST, "/experiments/toy/claims", body).json
            func tokens(_ answer: Value) -> [String?] {
                (answer["assignments"]?.array ?? []).map { $0["lease"]?["token"]?.string }
            }
            #expect(tokens(first).count == 2)
            #expect(tokens(second) == tokens(first))
            #expect(try await server.store.record(of: "toy").counts[.running] == 2)
            // Another worker that knows the key has no right to what it took.
            let other: Value = ["worker": "v", "count": 1, "key": "0123456789abcdefghij-_"]
            let stranger = try await server.ask(.POST, "/experiments/toy/claims", other).json
            let names = (stranger["assignments"]?.array ?? []).compactMap { $0["lease"] }
            #expect(Value.array(names).intervalNames == ["2@0"])
        }
    }

    @Test(arguments: [
        (#"{}"#, "worker: is missing; give a string"),
        (#"{"worker": ""}"#, "worker: must be 1 to 256 bytes long"),
        (#"{"worker": "LONG"}"#, "worker: must be 1 to 256 bytes long"),
        (#"{"worker": 5}"#, "worker: must be a string, not a number"),
        (#"{"worker": "w", "term": 0}"#, "term: must be between 1 and 86400 seconds, not 0"),
        (#"{"worker": "w", "term": 86401}"#, "term: must be between 1 and 86400 seconds, not 86401"),
        (#"{"worker": "w", "term": "1h"}"#, "term: must be a number of seconds, not a string"),
        (#"{"worker": "w", "count": 0}"#, "count: must be between 1 and 1000, not 0"),
        (#"{"worker": "w", "count": 1001}"#, "count: must be between 1 and 1000, not 1001"),
        (#"{"worker": "w", "count": 1.5}"#, "count: must be an integer, not a number"),
        (#"{"worker": "w", "wait": 61}"#, "wait: must be between 0 and 60 seconds, not 61"),
        (#"{"worker": "w", "wait": -1}"#, "wait: must be between 0 and 60 seconds, not -1"),
        (
            #"{"worker": "w", "key": "short"}"#,
            "key: must be 22 to 128 letters, digits, '-' and '_', chosen at random for each claim"
        ),
        (
            #"{"worker": "w", "key": "0123456789abcdefghij.x"}"#,
            "key: must be 22 to 128 letters, digits, '-' and '_', chosen at random for each claim"
        ),
        (#"{"worker": "w", "definition": "no"}"#, "definition: must be true or false, not a string"),
        (
            #"{"worker": "w", "trem": 5}"#,
            "trem: unknown field; known: worker, term, count, wait, key, definition; did you mean \"term\"?"
        ),
    ])
    func `a claim that makes no sense is refused by field`(body: String, detail: String) async throws {
        let body = try Value(json: body.replacing("LONG", with: String(repeating: "w", count: 257)))
        try await withServer { server in
            try await server.create()
            #expect(
                try await server.ask(.POST, "/experiments/toy/claims", body).problem == "400 badRequest: \(detail)")
            #expect(try await server.store.record(of: "toy").counts[.running] ?? 0 == 0)
        }
    }

    @Test func `a worker renews, reports and finishes, and a finish that is repeated decides nothing twice`()
        async throws
    {
        try await withServer { server in
            try await server.create(population: 1)
            let lease = try await server.lease()
            let renewed = try await server.ask(
                .POST, server.path(lease, "renew"), ["lease": lease, "term": 3600]
            ).json
            #expect(
                (renewed["lease"]?["expires"]?.int ?? 0) - (lease["expires"]?.int ?? 0) > 3_000_000)
            for step in 1...2 {
                let metrics: Value = ["step": .integer(step)]
                let answer = try await server.ask(
                    .POST, server.path(lease, "report"), ["lease": lease, "metrics": metrics])
                #expect(answer.status == 204)
                #expect(try await server.ask(.GET, "/experiments/toy/intervals/0/0").json["metrics"] == metrics)
            }
            let first = try await server.finish(lease).json
            #expect(first["interval"]?["state"] == "done")
            #expect(first["decisions"]?.array?.map { $0["decision"]?.string } == ["continues"])
            #expect(first["decisions"]?.array?.first?["next"]?["interval"] == 1)
            #expect(first["garbage"] == [])
            #expect(first["experiment"]?["finished_intervals"] == 1)
            let second = try await server.finish(lease)
            #expect(second.status == 200)
            #expect(try second.json["decisions"] == [])
            #expect(try second.json["interval"]?["state"] == "done")
            #expect(try await server.store.record(of: "toy").finishedIntervals == 1)
            let late = try await server.ask(.POST, server.path(lease, "renew"), ["lease": lease])
            #expect(
                late.problem
                    == "409 leaseLost: worker w no longer has interval 0@0 of \"toy\": it is done now")
        }
    }

    @Test func `a score that JSON cannot write, or none, means diverged`() async throws {
        try await withServer { server in
            try await server.create(population: 4)
            for score in ["NaN", "Infinity", "-Infinity"] as [Value] {
                let answer = try await server.finish(try await server.lease(), score: score).json
                #expect(answer["interval"]?["state"] == "diverged")
                #expect(answer["interval"]?["score"] == nil)
            }
            let lease = try await server.lease()
            let none = try await server.ask(.POST, server.path(lease, "finish"), ["lease": lease]).json
            #expect(none["interval"]?["state"] == "diverged")
        }
    }

    @Test func `what a finish must not say`() async throws {
        try await withServer { server in
            try await server.create(population: 1)
            let lease = try await server.lease()
            let path = server.path(lease, "finish")
            let both = try await server.ask(.POST, path, ["lease": lease, "score": 1, "failed": "x"])
            #expect(
                both.problem
                    == "400 badRequest: failed: cannot be combined with a score or a checkpoint; give one or the other")
            let bare = try await server.ask(.POST, path, ["lease": lease, "score": 1])
            #expect(bare.problem.hasPrefix("422 badValue: "))
            let text = try await server.ask(.POST, path, ["lease": lease, "score": "high"])
            #expect(
                text.problem
                    == "400 badRequest: score: must be a number, \"NaN\", \"Infinity\" or \"-Infinity\", not a string")
            let failed = try await server.ask(.POST, path, ["lease": lease, "failed": "out of memory"]).json
            #expect(failed["interval"]?["state"] == "waiting")
            #expect(failed["interval"]?["reason"] == "out of memory")
        }
    }

    @Test(arguments: ["renew", "report", "finish", "release"])
    func `a lease of another interval, a forged or a maimed one does nothing`(verb: String) async throws {
        try await withServer { server in
            try await server.create(population: 2)
            let lease = try await server.lease()
            let more: [String: Value] = verb == "report" ? ["metrics": [:]] : [:]
            func ask(_ path: String, _ lease: Value) async throws -> String {
                let body = Value.object(more.merging(["lease": lease]) { $1 })
                return try await server.ask(.POST, "/experiments/toy/intervals/\(path)/\(verb)", body).problem
            }
            #expect(
                try await ask("1/0", lease)
                    == "400 badRequest: lease: is of interval 0@0 of \"toy\", and not of the one in the path")
            var forged = lease.object ?? [:]
            forged["token"] = "00000000000000000000000000000000"
            #expect(
                try await ask("0/0", .object(forged))
                    == "409 leaseLost: worker w no longer has interval 0@0 of \"toy\": it is running now")
            var other = lease.object ?? [:]
            other["experiment"] = "else"
            #expect(
                try await ask("0/0", .object(other))
                    == "400 badRequest: lease: is of interval 0@0 of \"else\", and not of the one in the path")
            other["experiment"] = nil
            #expect(
                try await ask("0/0", .object(other)) == "400 badRequest: lease.experiment: is missing; give a string")
            #expect(try await ask("0/0", "x") == "400 badRequest: lease must be an object, not a string")
            #expect(try await server.store.interval(IntervalID(member: 0, index: 0), of: "toy").state == .running)
        }
    }

    @Test func `release costs no retry, abandon ends what a dead worker had`() async throws {
        try await withServer { server in
            try await server.create(population: 2, retries: 0)
            let lease = try await server.lease(by: "a")
            let body: Value = ["lease": lease, "reason": "preempted"]
            let released = try await server.ask(.POST, server.path(lease, "release"), body)
            #expect(released.status == 204)
            let waiting = try await server.store.interval(IntervalID(member: 0, index: 0), of: "toy")
            #expect(waiting.state == .waiting)
            #expect(waiting.failures == 0)
            _ = try await server.lease(by: "b")
            for expected in [[["member": 0, "interval": 0]], []] as [Value] {
                let answer = try await server.ask(.POST, "/experiments/toy/abandon", ["worker": "b"])
                #expect(try answer.json == ["intervals": expected])
            }
            let wrong = try await server.ask(.POST, "/experiments/none/abandon", ["worker": "b"])
            #expect(wrong.problem.hasPrefix("404 noSuchExperiment: "))
            let missing = try await server.ask(.POST, "/experiments/none/collected", ["checkpoints": []])
            #expect(missing.problem.hasPrefix("404 noSuchExperiment: "))
            let names = try await server.ask(.POST, "/experiments/toy/collected", ["checkpoints": [1]])
            #expect(names.problem == "400 badRequest: checkpoints[0]: must be a string, not a number")
        }
    }
}
