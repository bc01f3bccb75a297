// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Foundation
import PBT
import PBTAPI
import PBTCheckpoints
import PBTSQLite
import PBTTesting
import SystemPackage
import Testing

@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct ManagingTests {
    @Test func `an experiment is created once, and found where Location says`() async throws {
        try await withServer { server in
            let answer = try await server.ask(.POST, "/experiments", .definition("a/b ü"))
            #expect(answer.status == 201)
            let place = try #require(answer[header: "Location"])
            #expect(place == "/api/v1/experiments/a%2Fb%20%C3%BC")
            let found = try await server.ask(.GET, place)
            #expect(try found.json == answer.json)
            #expect(
                try await server.ask(.POST, "/experiments", .definition("a/b ü")).problem
                    == "409 alreadyExists: there is an experiment \"a/b ü\" already; give the new one another name, or "
                    + "remove the old one with: pbt rm 'a/b ü'")
        }
    }

    @Test func `a definition that is wrong is refused with the place that is wrong`() async throws {
        try await withServer { server in
            for (body, problem) in [
                (
                    #"{"definition": {"name": "x"}}"#,
                    "422 badExperiment: definition: objective: is missing; write for example: objective: {metric: accuracy, goal: maximize}; "
                        + "space: is missing; write for example: space: {learning_rate: {log_uniform: [1e-5, 1]}}; "
                        + "population: is missing; write for example: population: 20; "
                        + "intervals: is missing; write for example: intervals: 20"
                ),
                (
                    #"{"defnition": {}}"#,
                    "400 badRequest: defnition: unknown field; known: definition; did you mean \"definition\"?"
                ),
                ("{}", "400 badRequest: definition: is missing; give an object"),
            ] {
                let answer = try await server.ask(.POST, "/experiments", try Value(json: body))
                #expect(answer.problem == problem)
            }
        }
    }

    @Test func `the same Idempotency-Key answers as the first time, with another body it is refused`() async throws {
        try await withServer { server in
            let key = [("Idempotency-Key", "k-1")]
            let first = try await server.ask(.POST, "/experiments", .definition(), headers: key)
            let second = try await server.ask(.POST, "/experiments", .definition(), headers: key)
            #expect(first.status == 201)
            #expect(second.status == 201)
            #expect(second.bytes == first.bytes)
            #expect(second[header: "Location"] == first[header: "Location"])
            #expect(
                try await server.ask(.POST, "/experiments", .definition("other"), headers: key).problem
                    == "422 badValue: the Idempotency-Key \"k-1\" was used for another request; choose a new one for each"
            )
            // An error is not kept: what was wrong may be right the next time.
            let wrong = [("Idempotency-Key", "k-2")]
            let taken = try await server.ask(.POST, "/experiments", .definition(), headers: wrong)
            #expect(taken.status == 409)
            try await server.store.remove("toy")
            let now = try await server.ask(.POST, "/experiments", .definition(), headers: wrong)
            #expect(now.status == 201)
            for bad in [String(repeating: "x", count: 129), "a b"] {
                let answer = try await server.ask(
                    .POST, "/experiments", .definition("n"), headers: [("Idempotency-Key", bad)])
                #expect(
                    answer.problem == "400 badRequest: Idempotency-Key: must be 1 to 128 visible ASCII characters")
            }
        }
    }

    @Test func `a push with an Idempotency-Key queues once`() async throws {
        try await withServer { server in
            _ = try await server.ask(.POST, "/experiments", .definition(population: 0, kind: "manual"))
            let key = [("Idempotency-Key", "one")]
            let body: Value = ["hyperparameters": ["x": 0.5]]
            let first = try await server.ask(.POST, "/experiments/toy/push", body, headers: key)
            #expect(first.status == 201)
            #expect(try first.json["hyperparameters"] == ["x": 0.5])
            let second = try await server.ask(.POST, "/experiments/toy/push", body, headers: key)
            #expect(second.bytes == first.bytes)
            #expect(try await server.store.intervals(of: "toy").count == 1)
            let third = try await server.ask(.POST, "/experiments/toy/push", body)
            #expect(try third.json["member"] == 1)
            let outside = try await server.ask(.POST, "/experiments/toy/push", ["hyperparameters": ["x": 7]])
            #expect(outside.problem.hasPrefix("422 badValue: "))
        }
    }

    @Test func `of two requests with one key at once, the second is told to ask again`() async throws {
        let cache = IdempotencyCache()
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let (leaving, leave) = AsyncStream.makeStream(of: Void.self)
        async let first = cache.once("k", for: [1]) {
            enter.yield()
            for await _ in leaving { break }
            return ("answer", status: 201)
        }
        for await _ in entered { break }
        await #expect(
            throws: Problem(
                409, "inProgress", "a request with this Idempotency-Key is being worked on; ask again", retryAfter: 1)
        ) {
            _ = try await cache.once("k", for: [1]) { ("never", status: 200) }
        }
        leave.yield()
        #expect(try await first.0 == "answer")
        let again = try await cache.once("k", for: [1]) { ("never", status: 200) }
        #expect(again.0 == "answer")
        #expect(again.status == 201)
    }

    @Test func `a definition changes only with the ETag that it has`() async throws {
        try await withServer { server in
            let made = try await server.ask(.POST, "/experiments", .definition())
            let read = try await server.ask(.GET, "/experiments/toy")
            let tag = try #require(read[header: "ETag"])
            var definition = try #require(try made.json["definition"]?.object)
            definition["retries"] = 9
            let body: Value = ["definition": .object(definition)]
            let stale = try await server.ask(.PUT, "/experiments/toy", body, headers: [("If-Match", "\"old\"")])
            #expect(
                stale.problem
                    == "412 preconditionFailed: it has changed meanwhile: its ETag is \(tag), not \"old\"; read it again"
            )
            let excluded = try await server.ask(.PUT, "/experiments/toy", body, headers: [("If-None-Match", "*")])
            #expect(
                excluded.problem
                    == "412 preconditionFailed: it is there with the ETag \(tag), which If-None-Match excludes")
            let edited = try await server.ask(.PUT, "/experiments/toy", body, headers: [("If-Match", tag)])
            #expect(edited.status == 200)
            #expect(try edited.json["definition"]?["retries"] == 9)
            #expect(try edited.json["definition_version"] != made.json["definition_version"])
            definition["population"] = 3
            let other = try await server.ask(.PUT, "/experiments/toy", ["definition": .object(definition)])
            #expect(
                other.problem.hasPrefix("409 alreadyExists: experiment \"toy\" already exists with population: ")
            )
            #expect(
                try await server.ask(.PUT, "/experiments/other", ["definition": .object(definition)]).problem
                    == "422 badValue: definition.name: is \"toy\", but the path says \"other\"; a name cannot change")
            definition["name"] = "none"
            let missing = try await server.ask(.PUT, "/experiments/none", ["definition": .object(definition)])
            #expect(missing.problem.hasPrefix("404 noSuchExperiment: "))
        }
    }

    @Test(arguments: [false, true])
    func `of many who edit what they all read, one does`(inFile: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let store: any Store = inFile ? try SQLiteStore(path: "\(directory)/store.sqlite") : InMemoryStore()
            try await withServer(store: store) { server in
                let made = try await server.ask(.POST, "/experiments", .definition())
                let definition = try #require(try made.json["definition"]?.object)
                for round in 0..<10 {
                    let tag = try #require(try await server.ask(.GET, "/experiments/toy")[header: "ETag"])
                    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                        for editor in 1...12 {
                            group.addTask {
                                var edited = definition
                                // What it is already would be no change, and leave the ETag as it is.
                                edited["retries"] = .integer(50 + round * 50 + editor)
                                return try await server.ask(
                                    .PUT, "/experiments/toy", ["definition": .object(edited)],
                                    headers: [("If-Match", tag)]
                                ).status
                            }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }.sorted()
                    }
                    #expect(statuses == [200] + Array(repeating: 412, count: 11))
                }
            }
        }
    }

    @Test func `what runs is not removed, and what is removed takes its files along`() async throws {
        try await withTemporaryDirectory { directory in
            let data = DataDirectory(FilePath(directory))
            try await withServer(data: data) { server in
                try await server.create()
                let checkpoint = data.checkpoint("m0000-i0000-a1", of: "toy").string
                try FileManager.default.createDirectory(atPath: checkpoint, withIntermediateDirectories: true)
                let lease = try await server.lease()
                #expect(
                    try await server.ask(.DELETE, "/experiments/toy").problem
                        == "409 wrongState: 1 interval of \"toy\" is running; stop it first with: "
                        + "pbt stop toy")
                let released = try await server.ask(.POST, server.path(lease, "release"), ["lease": lease])
                #expect(released.status == 204)
                let stale = try await server.ask(.DELETE, "/experiments/toy", headers: [("If-Match", "\"old\"")])
                #expect(stale.status == 412)
                #expect(FileManager.default.fileExists(atPath: checkpoint))
                let answer = try await server.ask(.DELETE, "/experiments/toy")
                #expect(answer.status == 204)
                #expect(!FileManager.default.fileExists(atPath: checkpoint))
                let again = try await server.ask(.DELETE, "/experiments/toy")
                #expect(again.problem == "404 noSuchExperiment: there is no experiment \"toy\"; the store has none yet")
            }
        }
    }

    @Test func `pause, resume and stop end in the same state when repeated, and need no body`() async throws {
        try await withServer { server in
            try await server.create()
            func state(_ verb: String, _ body: Value? = nil) async throws -> String? {
                try await server.ask(.POST, "/experiments/toy/\(verb)", body).json["state"]?.string
            }
            for _ in 1...2 {
                let paused = try await state("pause")
                #expect(paused == "paused")
            }
            let claim = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "w"]).json
            #expect(claim["assignments"] == [])
            #expect(claim["state"] == "paused")
            for _ in 1...2 {
                let running = try await state("resume", [:])
                #expect(running == "running")
            }
            for _ in 1...2 {
                let over = try await state("stop", ["reason": "enough"])
                #expect(over == "finished")
            }
            let over = try await server.ask(.GET, "/experiments/toy").json
            #expect(over["reason"] == "enough")
            #expect(over["ended"]?.int != nil)
            for (verb, detail) in [
                ("pause", "experiment \"toy\" has ended (finished); it cannot be paused"),
                ("resume", "experiment \"toy\" is finished; there is nothing to resume"),
            ] {
                let answer = try await server.ask(.POST, "/experiments/toy/\(verb)")
                #expect(answer.problem == "409 wrongState: \(detail)")
            }
            #expect(
                try await server.ask(.POST, "/experiments/toy/pause", ["reason": "x"]).problem
                    == "400 badRequest: reason: unknown field; known: ")
        }
    }

    @Test func `a pin keeps a checkpoint`() async throws {
        try await withServer { server in
            try await server.create(population: 1)
            try await server.finish(try await server.lease(), score: 0.1)
            let path = "/experiments/toy/intervals/0/0/pin"
            for _ in 1...2 {
                let pinned = try await server.ask(.PUT, path, ["pinned": true])
                #expect(try pinned.json["pinned"] == true)
            }
            try await server.finish(try await server.lease(), score: 0.9)
            #expect(try await server.store.garbage(of: "toy").isEmpty)
            _ = try await server.ask(.PUT, path, ["pinned": false])
            #expect(try await server.store.garbage(of: "toy") == ["m0000-i0000-a1"])
            #expect(
                try await server.ask(.PUT, path, ["pinned": true]).problem
                    == "409 wrongState: interval 0@0 of \"toy\" has no checkpoint to keep (any longer)")
            #expect(
                try await server.ask(.PUT, path, ["pinned": "yes"]).problem
                    == "400 badRequest: pinned: must be true or false, not a string")
        }
    }
}
