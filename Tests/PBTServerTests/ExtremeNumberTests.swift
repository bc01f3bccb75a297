// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTCheckpoints
import PBTServer
import PBTTesting
import SystemPackage
import Testing

/// Numbers that a request may hold, each of which once ended the process, or could have.
@Suite(.timeLimit(.minutes(10))) struct `A number in a request` {
    private static let sha = Value.string(String(repeating: "0", count: 64))

    private func file(_ path: String, _ size: Int) -> Value {
        ["path": .string(path), "size": .integer(size), "sha256": Self.sha]
    }

    private func withData(_ body: @Sendable (TestServer) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try await withServer(
                data: DataDirectory(FilePath(directory)), pages: .pages(), body)
        }
    }

    /// Publishes an empty checkpoint, which finish asks for, and returns its name.
    private func publish(_ lease: Value, _ server: TestServer) async throws -> Value {
        let id = IntervalID(member: lease["member"]?.int ?? -1, index: lease["interval"]?.int ?? -1)
        let name = "\(CheckpointName(id, attempt: lease["attempt"]?.int ?? 1))"
        let answer = try await server.ask(
            .POST, "/experiments/toy/uploads/\(name)/publish", ["lease": lease, "files": [], "directories": []])
        #expect(answer.status == 200, "\(answer.text)")
        return .string(name)
    }

    @Test func `is bounded where a checkpoint's sizes are summed, with and without a lease`() async throws {
        try await withData { server in
            try await server.create()
            let lease = try await server.lease()
            let none: Value = [
                "experiment": "nope", "member": 0, "interval": 0, "attempt": 1, "token": "x", "worker": "w",
                "expires": 0,
            ]
            for (experiment, lease) in [("toy", lease), ("nope", none)] {
                for files in [
                    [file("a", .max), file("b", 1)], [file("a", 1 << 40), file("b", 1)], [file("a", .max)],
                ] {
                    let answer = try await server.ask(
                        .POST, "/experiments/\(experiment)/uploads/m0000-i0000-a1/publish",
                        ["lease": lease, "files": .array(files), "directories": []])
                    #expect(answer.problem.hasPrefix("422 badValue: files: "), "\(answer.problem)")
                    #expect(answer.text.contains("1099511627776"), "\(answer.text)")
                }
            }
        }
    }

    @Test func `is bounded in a lease`() async throws {
        try await withData { server in
            try await server.create()
            let lease = try await server.lease()
            for name in ["member", "interval", "attempt", "expires"] {
                for number in [Int.max, .min, -1 << 60] {
                    var wrong = lease.object ?? [:]
                    wrong[name] = .integer(number)
                    for verb in ["renew", "finish", "release", "report"] {
                        var body: [String: Value] = ["lease": .object(wrong)]
                        if verb == "finish" { body["score"] = 1 }
                        if verb == "report" { body["metrics"] = [:] }
                        let answer = try await server.ask(.POST, server.path(lease, verb), .object(body))
                        #expect(answer.problem.hasPrefix("400 badRequest: lease.\(name): must be between"))
                    }
                    let answer = try await server.ask(
                        .POST, "/experiments/toy/uploads/m0000-i0000-a1/publish",
                        ["lease": .object(wrong), "files": []])
                    #expect(answer.problem.hasPrefix("400 badRequest: lease.\(name): must be between"))
                }
            }
            _ = try await publish(lease, server)
            #expect(try await server.finish(lease).status == 200)
        }
    }

    @Test func `is bounded in metrics and hyperparameters`() async throws {
        try await withData { server in
            try await server.create()
            let lease = try await server.lease()
            let checkpoint = try await publish(lease, server)
            var deep: Value = 1
            for _ in 0..<65 { deep = [deep] }
            let many = Value.object(Dictionary((0...10_000).map { ("m\($0)", 1) }) { $1 })
            for metrics: Value in [["a": deep], many] {
                let report = try await server.ask(
                    .POST, server.path(lease, "report"), ["lease": lease, "metrics": metrics])
                #expect(report.status == 422, "\(report.problem)")
                let finish = try await server.ask(
                    .POST, server.path(lease, "finish"),
                    ["lease": lease, "score": 1, "metrics": metrics, "checkpoint": checkpoint])
                #expect(finish.status == 422, "\(finish.problem)")
            }
            #expect(try await server.finish(lease).status == 200)
        }
    }

    private static let least = Double.leastNonzeroMagnitude
    static let scores: [[Double]] = [
        [1.7e308, -1.7e308, 2000 * least, least], [1e308, .greatestFiniteMagnitude, 1e308, 1e300],
        [least, 2 * least, 4000 * least, 0], [-0.0, 0, -least, least], [1, 1, 1, 1],
    ]

    @Test(arguments: scores) func `is drawn on every page, whatever the score`(_ scores: [Double]) async throws {
        try await withData { server in
            try await server.create(population: 2, intervals: 3)
            for score in scores {
                let lease = try await server.lease()
                let path = server.path(lease, "finish")
                let checkpoint = try await publish(lease, server)
                let answer = try await server.ask(
                    .POST, path,
                    [
                        "lease": lease, "score": .number(score), "checkpoint": checkpoint,
                        "metrics": ["a": .integer(.max), "b": .integer(.min), "c": .number(score)],
                    ])
                #expect(answer.status == 200 || answer.status == 422, "\(answer.problem)")
            }
            let shapes = ["", "?y=log", "?y=error", "?y=error&bound=1e308", "?width=360&x=time&top=1", "?color=score"]
            let pages = ["", "/m/0", "/m/0/0", "/members", "/lineage", "/workers", "/events", "/compare"]
            var visited = 0
            for page in pages.map({ "/e/toy\($0)" }) + ["/"] {
                for shape in shapes {
                    let answer = try await server.visit(page + shape)
                    #expect(answer.status < 500, "\(page)\(shape): \(answer.status)")
                    #expect(!answer.text.contains("=\"nan") && !answer.text.contains("=\"inf"), "\(page)\(shape)")
                    if answer.status == 200 { visited += 1 }
                }
            }
            #expect(visited >= 30)
        }
    }

    @Test func `is bounded in every query`() async throws {
        try await withData { server in
            try await server.create()
            let numbers = ["9223372036854775807", "-9223372036854775808", "99999999999999999999", "1e400", "nan", "-1"]
            let paths = [
                "/experiments?limit=", "/experiments?after=", "/experiments/toy/intervals?limit=",
                "/experiments/toy/intervals?after=", "/experiments/toy/intervals?member=",
                "/experiments/toy/changes?after=", "/experiments/toy/changes?limit=", "/events?after=",
                "/events?limit=",
                "/experiments/toy/lineage?member=", "/experiments/toy/intervals/0/",
            ]
            for path in paths {
                for number in numbers {
                    let answer = try await server.ask(.GET, path + number)
                    #expect(answer.status < 500, "\(path)\(number): \(answer.problem)")
                }
            }
            for page in ["/e/toy/events?before=", "/e/toy/members?page=", "/e/toy?top=", "/e/toy?width=", "/e/toy/m/"] {
                for number in numbers {
                    let answer = try await server.visit(page + number)
                    #expect(answer.status < 500, "\(page)\(number): \(answer.status)")
                }
            }
        }
    }

    @Test func `is bounded in a definition that is sent`() async throws {
        try await withServer { server in
            var definition = Value.definition("big")["definition"]?.object ?? [:]
            definition["keep"] = ["best": .integer(.max), "last": 1]
            let answer = try await server.ask(.POST, "/experiments", ["definition": .object(definition)])
            #expect(answer.problem.hasPrefix("422 badExperiment: definition: keep.best: must be between 1 and 1000000"))
        }
    }
}
