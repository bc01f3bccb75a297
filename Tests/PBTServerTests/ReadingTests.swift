// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTCheckpoints
import PBTServer
import PBTTesting
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ReadingTests {
    @Test func `the server says who it is, and where its data are`() async throws {
        try await withTemporaryDirectory { directory in
            try await withServer(data: DataDirectory(FilePath(directory)), configuration: .init(version: "9.9")) {
                let answer = try await $0.ask(.GET, "/api/v1").json
                #expect(answer["name"] == "pbt")
                #expect(answer["version"] == "9.9")
                #expect(answer["api"] == 1)
                #expect(answer["data"]?["path"]?.string == FilePath(directory).string)
                let identity = try DataDirectory(FilePath(directory)).existingIdentity()
                #expect(identity != nil)
                #expect(answer["data"]?["id"]?.string == identity)
            }
        }
        try await withServer { server in
            let answer = try await server.ask(.GET, "/api/v1").json
            #expect(answer["data"] == nil)
        }
    }

    @Test func `experiments come in pages without definition, and the cursor goes on behind what was removed`()
        async throws
    {
        try await withServer { server in
            for i in 0..<5 { try await server.create("e\(i)") }
            let first = try await server.ask(.GET, "/experiments?limit=2").json
            #expect(first["items"]?.array?.map { $0["name"]?.string } == ["e0", "e1"])
            #expect(first["items"]?.array?.allSatisfy { $0["definition"] == nil } == true)
            let cursor = try #require(first["next"]?.string)
            try await server.store.remove("e1")
            let second = try await server.ask(.GET, "/experiments?limit=3&after=\(cursor)").json
            #expect(second["items"]?.array?.map { $0["name"]?.string } == ["e2", "e3", "e4"])
            #expect(second["next"] == nil)
            #expect(
                try await server.ask(.GET, "/experiments?after=x").problem
                    == "400 badRequest: ?after=: \"x\" is not a cursor; give the \"next\" of the page before")
        }
    }

    @Test func `an experiment comes with its definition and an ETag, and not again while nothing changed`() async throws
    {
        try await withServer { server in
            try await server.create()
            let answer = try await server.ask(.GET, "/experiments/toy")
            #expect(answer.status == 200)
            #expect(answer[header: "Content-Type"] == "application/json")
            #expect(answer[header: "Cache-Control"] == "no-store")
            #expect(answer[header: "X-Content-Type-Options"] == "nosniff")
            let json = try answer.json
            #expect(json["definition"]?["population"] == 2)
            #expect(json["counts"]?["waiting"] == 2)
            #expect(json["intervals_planned"] == 6)
            #expect(json["state"] == "running")
            let tag = try #require(answer[header: "ETag"])
            for field in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let again = try await server.ask(.GET, "/experiments/toy", headers: [("If-None-Match", field)])
                #expect(again.status == 304, "\(field)")
                #expect(again.bytes.isEmpty)
                #expect(again[header: "ETag"] == tag)
            }
            _ = try await server.lease()
            let changed = try await server.ask(.GET, "/experiments/toy", headers: [("If-None-Match", tag)])
            #expect(changed.status == 200)
            #expect(changed[header: "ETag"] != tag)
            #expect(
                try await server.ask(.GET, "/experiments/toi").problem
                    == "404 noSuchExperiment: there is no experiment \"toi\"; did you mean \"toy\"?")
        }
    }

    @Test func `HEAD answers as GET does, without a body`() async throws {
        try await withServer { server in
            try await server.create()
            let get = try await server.ask(.GET, "/experiments/toy")
            let head = try await server.ask(.HEAD, "/experiments/toy")
            #expect(head.status == 200)
            #expect(head.bytes.isEmpty)
            #expect(head[header: "Content-Length"] == String(get.bytes.count))
            #expect(head[header: "ETag"] == get[header: "ETag"])
        }
    }

    @Test func `an error to HEAD has no body, and the connection can be used for the next request`() async throws {
        try await withServer { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(
                    "HEAD /api/v1/experiments/no HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        + "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                let text = try await reader.all()
                let answers = text.split(separator: "HTTP/1.1 ")
                try #require(answers.count == 2, "\(text)")
                #expect(answers[0].hasPrefix("404 "))
                #expect(answers[0].hasSuffix("\r\n\r\n"))
                #expect(answers[1].hasPrefix("200 "))
                #expect(answers[1].hasSuffix("{\"status\":\"ok\"}"))
            }
        }
    }

    @Test func `intervals come by member and index, and are chosen by member and state`() async throws {
        try await withServer { server in
            try await server.create(population: 3, decides: .early)
            let lease = try await server.lease()
            try await server.finish(lease)
            _ = try await server.lease()
            func names(_ query: String) async throws -> [String] {
                try await server.ask(.GET, "/experiments/toy/intervals\(query)").json["items"]?.intervalNames ?? []
            }
            #expect(try await names("") == ["0@0", "0@1", "1@0", "2@0"])
            #expect(try await names("?member=0") == ["0@0", "0@1"])
            #expect(try await names("?state=running") == ["1@0"])
            #expect(try await names("?state=waiting&member=2") == ["2@0"])
            #expect(try await names("?member=77") == [])
            var seen: [String] = []
            var cursor: String?
            repeat {
                let page = try await server.ask(
                    .GET, "/experiments/toy/intervals?limit=1\(cursor.map { "&after=\($0)" } ?? "")"
                ).json
                seen += page["items"]?.intervalNames ?? []
                cursor = page["next"]?.string
            } while cursor != nil
            #expect(seen == ["0@0", "0@1", "1@0", "2@0"])
            #expect(
                try await server.ask(.GET, "/experiments/toy/intervals?state=nope").problem
                    == "400 badRequest: ?state= must be one of waiting, running, done, diverged, failed, not \"nope\"")
            let newest = try await server.ask(.GET, "/experiments/toy/members").json
            #expect(newest["items"]?.intervalNames == ["0@1", "1@0", "2@0"])
        }
    }

    @Test func `one interval comes with an ETag, and the secret of its lease stays where it is`() async throws {
        try await withServer { server in
            try await server.create()
            let lease = try await server.lease()
            let secret = try #require(lease["token"]?.string)
            let answer = try await server.ask(.GET, "/experiments/toy/intervals/0/0")
            #expect(try answer.json["state"] == "running")
            #expect(try answer.json["worker"] == "w")
            let tag = try #require(answer[header: "ETag"])
            let again = try await server.ask(
                .GET, "/experiments/toy/intervals/0/0", headers: [("If-None-Match", tag)])
            #expect(again.status == 304)
            for path in [
                "/experiments", "/experiments/toy", "/experiments/toy/members", "/experiments/toy/intervals",
                "/experiments/toy/intervals/0/0", "/experiments/toy/lineage?member=0&interval=0",
                "/experiments/toy/events", "/events", "/metrics",
            ] {
                let answer = try await server.ask(.GET, path)
                #expect(answer.status == 200, "\(path)")
                #expect(!answer.text.contains(secret), "\(path)")
            }
            #expect(
                try await server.ask(.GET, "/experiments/toy/intervals/0/9").problem
                    == "404 noSuchInterval: experiment \"toy\" has no interval 0@9: members are 0 to 1, and an interval "
                    + "exists once its member got there")
            #expect(
                try await server.ask(.GET, "/experiments/toy/intervals/a/0").problem
                    == "400 badRequest: intervals/a/0: give two non-negative integers: member and interval")
        }
    }

    @Test func `lineage and schedule follow the best, or the one that is asked for`() async throws {
        try await withServer { server in
            try await server.create(population: 1)
            #expect(try await server.ask(.GET, "/experiments/toy/lineage").json == ["items": []])
            #expect(try await server.ask(.GET, "/experiments/toy/schedule").json == ["items": []])
            for score in [0.25, 0.5] { try await server.finish(try await server.lease(), score: .number(score)) }
            let line = try await server.ask(.GET, "/experiments/toy/lineage").json["items"]
            #expect(line?.intervalNames == ["0@0", "0@1"])
            #expect(line?.array?.first?["parent"] == .null)
            #expect(line?.array?.last?["parent"] == ["member": 0, "interval": 0])
            #expect(line?.array?.last?["exploited"] == false)
            #expect(line?.array?.map { $0["score"] } == [0.25, 0.5])
            let founder = try await server.ask(.GET, "/experiments/toy/lineage?member=0&interval=0").json
            #expect(founder["items"]?.intervalNames == ["0@0"])
            let schedule = try await server.ask(.GET, "/experiments/toy/schedule").json["items"]?.array
            #expect(schedule?.map { $0["interval"]?.int } == [0, 1])
            #expect(schedule?.first?["hyperparameters"] == line?.array?.first?["hyperparameters"])
            #expect(
                try await server.ask(.GET, "/experiments/toy/schedule?member=0").problem
                    == "400 badRequest: ?member= and ?interval= belong together; give both, or neither")
            #expect(
                try await server.ask(.GET, "/experiments/toy/lineage?member=5&interval=0").status == 404)
        }
    }

    @Test func `checkpoints that are kept, and garbage until it is collected`() async throws {
        try await withServer { server in
            try await server.create(population: 1)
            for score in [0.25, 0.5] { try await server.finish(try await server.lease(), score: .number(score)) }
            let kept = try await server.ask(.GET, "/experiments/toy/checkpoints").json["items"]?.array
            #expect(kept?.map { $0["name"]?.string } == ["m0000-i0000-a1", "m0000-i0001-a1"])
            #expect(kept?.map { $0["state"]?.string } == ["garbage", "kept"])
            #expect(try await server.ask(.GET, "/experiments/toy/garbage").json == ["checkpoints": ["m0000-i0000-a1"]])
            let collected = try await server.ask(
                .POST, "/experiments/toy/collected", ["checkpoints": ["m0000-i0000-a1", "unheard of"]])
            #expect(collected.status == 204)
            #expect(collected.bytes.isEmpty)
            #expect(try await server.ask(.GET, "/experiments/toy/garbage").json == ["checkpoints": []])
            #expect(
                try await server.ask(.GET, "/experiments/toy/checkpoints").json["items"]?.array?.count == 1)
        }
    }

    @Test(arguments: [
        ("/experiments?limit=0", "?limit= must be an integer between 1 and 1000, not \"0\""),
        ("/experiments?limit=1001", "?limit= must be an integer between 1 and 1000, not \"1001\""),
        ("/experiments?limit=-1", "?limit= must be an integer between 1 and 1000, not \"-1\""),
        (
            "/experiments?limit=99999999999999999999",
            "?limit= must be an integer between 1 and 1000, not \"99999999999999999999\""
        ),
        ("/events?wait=61", "?wait= must be a number of seconds between 0 and 60, not \"61\""),
        ("/events?wait=nan", "?wait= must be a number of seconds between 0 and 60, not \"nan\""),
        ("/events?wait=1e400", "?wait= must be a number of seconds between 0 and 60, not \"1e400\""),
        ("/events?limit=1001", "?limit= must be an integer between 0 and 1000, not \"1001\""),
        (
            "/events?after=-1",
            "?after= must be an integer between 0 and 9007199254740992, not \"-1\""
        ),
        (
            "/experiments/toy/intervals?member=-1",
            "?member= must be an integer between 0 and 1000000, not \"-1\""
        ),
    ])
    func `a parameter out of range is refused by name`(path: String, detail: String) async throws {
        try await withServer { server in
            try await server.create()
            #expect(try await server.ask(.GET, path).problem == "400 badRequest: \(detail)")
        }
    }

    @Test func `healthz answers, and says 503 when the store cannot be read`() async throws {
        try await withServer { server in
            let answer = try await server.ask(.GET, "/healthz")
            #expect(answer.text == #"{"status":"ok"}"#)
        }
        let broken = BrokenStore(PBTError(.unusableStore, "the disk is gone"))
        try await withServer(store: broken) { server in
            let answer = try await server.ask(.GET, "/healthz")
            #expect(answer.problem == "503 unusableStore: the disk is gone")
            #expect(answer[header: "Retry-After"] == "10")
        }
    }

    @Test(arguments: [
        (PBTError(.storeBusy, "busy"), "503 storeBusy: busy", "1"),
        (PBTError(.inputOutput, "no space"), "503 inputOutput: no space", "10"),
        (PBTError(.inconsistent, "torn"), "500 inconsistent: torn", nil),
        (PBTError(PBTError.Code("somethingNew"), "new"), "500 somethingNew: new", nil),
    ])
    func `errors of the store have the status of their code`(
        error: PBTError, problem: String, retryAfter: String?
    ) async throws {
        try await withServer(store: BrokenStore(error)) { server in
            let answer = try await server.ask(.GET, "/experiments")
            #expect(answer.problem == problem)
            #expect(answer[header: "Retry-After"] == retryAfter)
        }
    }

    @Test func `what an error nobody thought of says stays in the log`() async throws {
        struct Odd: Error, CustomStringConvertible { let description = "secret-ish" }
        let log = LogCapture()
        try await withServer(store: BrokenStore(Odd()), logger: log.logger) { server in
            let answer = try await server.ask(.GET, "/experiments")
            #expect(answer.problem == "500 internal: internal server error; see the server log")
        }
        #expect(log.lines.contains { $0.hasPrefix("error unexpected error") && $0.contains("secret-ish") })
    }
}
