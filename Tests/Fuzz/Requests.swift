// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI
import PBTCheckpoints
import PBTDashboard
import PBTSchedy
import PBTServer
import SystemPackage

extension Target {
    /// Requests through the HTTP layer: the server responds to every one, and never with an internal error.
    static let http = Target(name: "http") { recorder in
        let directory = FileManager.default.temporaryDirectory.appending(path: "pbt-fuzz-\(UUID().uuidString)")
        let store = InMemoryStore()
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let server = Server(
            store: store, data: DataDirectory(FilePath(directory.path)),
            configuration: ServerConfiguration(port: 0),
            extensions: [
                ServerExtension { SchedyMount(store, tokens: nil, in: $0.http) },
                .dashboard(DashboardConfiguration(allowsControl: true)),
            ], onReady: { ready.yield($0) })
        let task = Task { try await server.run() }
        guard let port = await ports.first(where: { _ in true }) else {
            try await task.value
            throw Violation(description: "the server does not start")
        }
        return { source in
            if source.chance(100) {
                for record in try await store.experiments() where record.state.isOver || source.chance(4) {
                    do { try await store.remove(record.experiment.name) } catch is PBTError { continue }
                }
            }
            if let experiment = Definitions.legal(&source), source.chance(10) {
                var named = experiment
                named.name = source.pick(Requests.names)
                do { _ = try await store.create(named) } catch is PBTError {}
            }
            let request = try await Requests.next(&source, store)
            try recorder.note(
                "\(request.method) \(request.path)\n\(request.body.map { String(decoding: $0, as: UTF8.self) } ?? "")")
            var sent = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(request.path)")
            sent.method = .RAW(value: request.method)
            sent.headers.add(name: "Accept", value: source.pick(["*/*", "text/html"]))
            // The shared client rejects responses above its own compression ratio.
            sent.headers.add(name: "Accept-Encoding", value: "identity")
            if let body = request.body {
                sent.headers.add(name: "Content-Type", value: request.type)
                sent.body = .bytes(ByteBuffer(bytes: body))
            }
            let response = try await HTTPClient.shared.execute(sent, timeout: .seconds(120))
            let body = try await response.body.collect(upTo: 64 << 20)
            try expect(
                response.status.code < 500,
                "status \(response.status.code): \(String(buffer: body).prefix(300))")
            let type = response.headers.first(name: "Content-Type") ?? ""
            if type.hasPrefix("application/json") || type.hasPrefix("application/problem+json") {
                _ = try Value(json: Array(body.readableBytesView))
            } else if type.hasPrefix("image/svg+xml"), response.status.code == 200 {
                _ = try Markup(String(buffer: body))
            }
        }
    }
}

/// Requests that look much like those that clients send.
enum Requests {
    struct Request {
        var method = "GET"
        var path: String
        var body: [UInt8]?
        var type = "application/json"
    }

    static let names = ["toy", "a/b", "é", "= 1", "last"]

    private static let reads = [
        "/api/v1/experiments?limit=N&after=N", "/api/v1/experiments/E",
        "/api/v1/experiments/E/intervals?limit=N&after=N",
        "/api/v1/experiments/E/intervals?state=T&member=N", "/api/v1/experiments/E/intervals/N/N",
        "/api/v1/experiments/E/members?limit=N&after=N", "/api/v1/experiments/E/changes?since=M&limit=N",
        "/api/v1/experiments/E/lineage?member=N&interval=N", "/api/v1/experiments/E/checkpoints?after=N",
        "/api/v1/experiments/E/checkpoints/T", "/api/v1/experiments/E/checkpoints/T/files/T",
        "/api/v1/experiments/E/uploads/A", "/api/v1/events?after=N&limit=N",
        "/api/v1/experiments/E/events?after=N&wait=0",
        "/", "/e/E", "/e/E?y=log&width=N&x=T&top=N&color=T", "/e/E?y=error&bound=D&tip=T",
        "/e/E/members?page=N&sort=T&q=F",
        "/e/E/members?columns=T,T&q=F", "/e/E/m/N", "/e/E/m/N/N", "/e/E/lineage?show=T&order=T", "/e/E/workers",
        "/e/E/events?before=N&only=T", "/compare?e=T,T", "/e/E/curves.svg?y=log&width=N", "/e/E/schedule.svg?x=time",
        "/e/E/scatter.svg?axis=T", "/e/E/members.csv", "/e/E/members.json", "/e/E/timeline", "/metrics", "/healthz",
        "/openapi.json", "/schedy/experiments/E/", "/schedy/experiments/E/jobs/?start=T",
        "/schedy/experiments/?start=N",
    ]

    static func next(_ source: inout Source, _ store: InMemoryStore) async throws -> Request {
        if source.chance(2) { return Request(path: path(source.pick(reads), &source)) }
        let name = source.pick(names)
        let root = "/api/v1/experiments/\(PathSegment.encode(name))"
        var value: Value
        var path: String
        switch source.below(9) {
        case 0: (path, value) = ("/api/v1/experiments", ["definition": Definitions.changed(&source)])
        case 1:
            path = "\(root)/claims"
            value = ["worker": .string(source.text()), "count": .integer(1 + source.below(3)), "term": 60]
        case 2:
            path = "\(root)/push"
            value = ["hyperparameters": .object(source.object())]
        case 3:
            path = "/schedy/experiments/\(PathSegment.encode(name))/jobs/"
            value = ["status": "QUEUED", "hyperparameters": .object(source.object())]
        default: (path, value) = try await leased(name, root, &source, store)
        }
        if !source.chance(3) { value = source.mutated(value) }
        var bytes = value.jsonBytes
        if source.chance(20) { bytes = source.mutated(bytes) }
        // The cost of a large experiment is not tested here.
        if let population = value["definition"]?["population"]?.int, population > 2000 { bytes = Array("{}".utf8) }
        return Request(method: "POST", path: path, body: bytes)
    }

    /// A request about an interval that is leased, if there is one.
    private static func leased(
        _ name: String, _ root: String, _ source: inout Source, _ store: InMemoryStore
    ) async throws -> (String, Value) {
        var lease = Lease(
            experiment: name, interval: IntervalID(member: 0, index: 0), attempt: 1, token: "t", worker: "w",
            expires: Timestamp(milliseconds: 0))
        do {
            if let claimed = try await store.claim(1, from: name, by: "w", for: .seconds(60), key: nil).assignments
                .first
            {
                lease = claimed.lease
            }
        } catch is PBTError {
            // The lease is none.
        }
        let interval = "\(root)/intervals/\(lease.interval.member)/\(lease.interval.index)"
        switch source.below(6) {
        case 0: return ("\(interval)/renew", ["lease": lease.api, "term": .number(source.number())])
        case 1: return ("\(interval)/report", ["lease": lease.api, "metrics": .object(source.object())])
        case 2: return ("\(interval)/release", ["lease": lease.api, "reason": .string(source.text())])
        case 3:
            let attempt = DataDirectory.name(of: lease.interval, attempt: lease.attempt)
            let files = (0..<source.below(3)).map { place -> Value in
                [
                    "path": .string("f\(place)"), "size": .integer(source.integer()),
                    "sha256": .string(String(repeating: "0", count: 64)),
                ]
            }
            return ("\(root)/uploads/\(attempt)/publish", ["lease": lease.api, "files": .array(files)])
        default:
            return (
                "\(interval)/finish",
                [
                    "lease": lease.api, "score": .score(source.number()), "metrics": .object(source.object()),
                    "checkpoint": .string("c\(source.below(9))"),
                ]
            )
        }
    }

    /// A path with something for each capital.
    private static func path(_ pattern: String, _ source: inout Source) -> String {
        var result = ""
        for character in pattern {
            switch character {
            case "N": result += source.chance(2) ? "\(source.below(3))" : "\(source.integer())"
            case "D": result += "\(source.number())"
            case "M": result += "\(source.below(3))-\(source.integer())"
            case "E": result += PathSegment.encode(source.chance(8) ? source.text() : source.pick(names))
            case "A": result += "m0000-i000\(source.below(3))-a\(source.below(3))"
            case "F":
                let filters = ["state:failed", "x>0.5", "lr<1e400", "7", "x=", ">", "a:b:c", "score>=nan", "m=1"]
                result += PathSegment.encode(source.chance(2) ? source.pick(filters) : source.text())
            case "T":
                let words = ["done", "time", "score", "family", "survivors", "path", "0@0", "x", "member", "notable"]
                result += PathSegment.encode(source.chance(2) ? source.pick(words) : source.text())
            default: result.append(character)
            }
        }
        return result
    }
}
