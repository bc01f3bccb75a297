// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI
import PBTSQLite
import PBTSchedy
import PBTServer
import PBTTesting
import Synchronization
import Testing

/// Where the experiments of a test are.
enum SchedyStore: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case memory, sqlite

    var testDescription: String { rawValue }
}

/// A server on loopback, as a test sees it.
struct SchedyPlace: Sendable {
    let caller: SchedyCaller
    let store: any Store
    let clock: ManualClock

    /// Every decision of an experiment derived again, and what is wrong with the rows.
    func audit(_ name: String) async throws -> Audit {
        try await Audit(revisions: store.revisions(of: name), intervals: store.intervals(of: name))
    }
}

/// Serves Schedy's protocol on loopback while the body runs.
func withSchedy<Result: Sendable>(
    _ kind: SchedyStore = .memory, reservation: Duration = .seconds(30), timeout: Duration? = nil,
    pageSize: Int = 100, lifetime: Duration = .seconds(3600), authority: (any SchedyAuthority)? = nil,
    _ body: @escaping @Sendable (SchedyPlace) async throws -> Result
) async throws -> Result {
    let clock = ManualClock()
    let random = Mutex(Xoshiro256(seed: 99))
    let settings = SchedySettings(
        reservation: reservation, timeout: timeout, pageSize: pageSize, random: { random.withLock { $0.next() } })
    func serve(_ store: some TransactionalStore) async throws -> Result {
        let tokens = SchedyTokens(
            keys: ProcessKeys(Array(repeating: 7, count: 32)), lifetime: lifetime, clock: clock.store)
        let service = SchedyService(Schedy(store, settings: settings), tokens: tokens, authority: authority)
        return try await withServer(store: store, extensions: [ServerExtension { SchedyMount(service, in: $0.http) }]) {
            server in
            try await body(
                SchedyPlace(caller: SchedyCaller(root: "\(server.base)/schedy/"), store: store, clock: clock))
        }
    }
    switch kind {
    case .memory: return try await serve(InMemoryStore(clock: clock.store))
    case .sqlite:
        return try await withTemporaryDirectory { directory in
            try await serve(SQLiteStore(path: "\(directory)/store.sqlite", clock: clock.store))
        }
    }
}

/// What Schedy's client does on the wire.
struct SchedyCaller: Sendable {
    struct Answer: Sendable {
        let status: Int
        let headers: [String: String]
        let text: String
        let json: Value

        var tag: String { headers["etag"] ?? "" }
        var id: String { json["id"]?.string ?? "" }
        var hyperparameters: [String: Value] { json["hyperparameters"]?.object ?? [:] }
        var results: [String: Value] { json["results"]?.object ?? [:] }
        var jobStatus: String { json["status"]?.string ?? "" }
        var items: [Value] { json["items"]?.array ?? [] }
    }

    /// As in `client.json`.
    let root: String
    var bearer: String?

    func call(
        _ method: String, _ path: String, _ body: Value? = nil, headers: [(String, String)] = []
    ) async throws -> Answer {
        try await call(method, path, text: body?.json, headers: headers)
    }

    func call(
        _ method: String, _ path: String, text: String?, headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: root + path)
        request.method = .RAW(value: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let bearer { request.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
        if let text { request.body = .bytes(ByteBuffer(string: text)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        let answer = String(buffer: bytes)
        return Answer(
            status: Int(response.status.code),
            headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }, text: answer,
            json: (try? Value(json: answer)) ?? .null)
    }

    /// A name in a path, as the client writes it: nothing is safe.
    static func encoded(_ name: String) -> String {
        PathSegment.encode(name)
    }

    func create(_ name: String, _ scheduler: Value, status: Value = "RUNNING") async throws -> Answer {
        try await call(
            "PUT", "experiments/\(Self.encoded(name))/", ["status": status, "scheduler": scheduler],
            headers: [("If-None-Match", "*")])
    }

    func experiment(_ name: String) async throws -> Answer {
        try await call("GET", "experiments/\(Self.encoded(name))/")
    }

    func push(_ name: String, _ job: Value) async throws -> Answer {
        try await call("POST", "experiments/\(Self.encoded(name))/jobs/", job)
    }

    func next(_ name: String) async throws -> Answer {
        try await call("GET", "experiments/\(Self.encoded(name))/nextjob/")
    }

    func job(_ id: String, of name: String) async throws -> Answer {
        try await call("GET", "experiments/\(Self.encoded(name))/jobs/\(Self.encoded(id))/")
    }

    /// All jobs, page by page.
    func jobs(of name: String) async throws -> [Value] {
        var all: [Value] = []
        var start = ""
        while true {
            let page = try await call("GET", "experiments/\(Self.encoded(name))/jobs/\(start)")
            all += page.items
            guard let next = page.json["next"]?.string else { return all }
            start = "?start=\(Self.encoded(next))"
        }
    }

    func put(
        _ id: String, of name: String, _ body: Value, ifMatch tag: String? = nil, ifNoneMatch: String? = nil
    ) async throws -> Answer {
        var headers: [(String, String)] = []
        if let tag { headers.append(("If-Match", tag)) }
        if let ifNoneMatch { headers.append(("If-None-Match", ifNoneMatch)) }
        return try await call(
            "PUT", "experiments/\(Self.encoded(name))/jobs/\(Self.encoded(id))/", body, headers: headers)
    }

    /// PUTs a job as it was read with another status and results; what is empty is left out.
    func put(
        _ job: Answer, of name: String, status: String, results: [String: Value]? = nil
    ) async throws -> Answer {
        var body: [String: Value] = ["status": .string(status)]
        if !job.hyperparameters.isEmpty { body["hyperparameters"] = .object(job.hyperparameters) }
        let results = results ?? job.results
        if !results.isEmpty { body["results"] = .object(results) }
        return try await put(job.id, of: name, .object(body), ifMatch: job.tag)
    }

    /// What `with experiment.next_job() as job:` does until the block begins; none when nothing is left.
    func begin(_ name: String) async throws -> Answer? {
        while true {
            let job = try await next(name)
            if job.status == 204 { return nil }
            guard job.status == 200 else { throw PBTError(.inputOutput, "nextjob: \(job.status) \(job.text)") }
            let running = try await put(job, of: name, status: "RUNNING")
            if running.status == 412 { continue }
            guard running.status == 200 else { throw PBTError(.inputOutput, "PUT: \(running.status) \(running.text)") }
            return running
        }
    }

    /// Takes a job and finishes it with these results.
    @discardableResult
    func train(_ name: String, _ results: ([String: Value], [String: Value]) -> [String: Value]) async throws -> Answer?
    {
        guard let job = try await begin(name) else { return nil }
        let done = try await put(
            job, of: name, status: "DONE", results: results(job.hyperparameters, job.results))
        guard done.status == 200 else { throw PBTError(.inputOutput, "PUT: \(done.status) \(done.text)") }
        return done
    }
}
