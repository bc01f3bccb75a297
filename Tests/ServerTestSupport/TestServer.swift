// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import Logging
import NIOCore
package import NIOHTTP1
import NIOPosix
package import PBT
import PBTAPI
package import PBTCheckpoints
package import PBTDashboard
package import PBTServer
import ServiceLifecycle

/// A server that runs on a free port of this machine, and how to ask it.
package struct TestServer: Sendable {
    /// What a request asks for.
    package enum Method: String {
        case GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE
    }

    /// Its port.
    package let port: Int
    /// What it serves.
    package let store: any Store
    private let scheme: String
    private let client: HTTPClient
    private let group: ServiceGroup
    private let server: Server

    fileprivate init(
        port: Int, store: any Store, scheme: String, client: HTTPClient, group: ServiceGroup, server: Server
    ) {
        self.port = port
        self.store = store
        self.scheme = scheme
        self.client = client
        self.group = group
        self.server = server
    }

    /// Its address.
    package var base: String { "\(scheme)://127.0.0.1:\(port)" }

    /// Asks it to shut down; `withServer` waits until it has.
    package func shutDown() async {
        await group.triggerGracefulShutdown()
    }

    /// Tells pages that the server goes for good, and waits for them.
    package func announceShutdown(within time: Duration) async {
        await server.announceShutdown(within: time)
    }

    /// Asks for something and reads the whole answer.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - path: The path with its query, percent-encoded; what does not begin with `/api`, `/healthz`, `/metrics` or
    ///     `/openapi.json` is below `/api/v1`.
    ///   - body: A JSON body, if any.
    ///   - token: What stands after `Bearer`, if anything.
    ///   - headers: More header fields.
    /// - Returns: The answer.
    /// - Throws: What the client throws when there is none.
    package func ask(
        _ method: Method, _ path: String, _ body: Value? = nil, token: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> Answer {
        let response = try await send(method, path, body, token: token, headers: headers)
        return Answer(
            status: Int(response.status.code), headers: response.headers,
            bytes: Array(try await response.body.collect(upTo: 64 << 20).readableBytesView))
    }

    /// Asks for a page, or sends a form, as a browser does.
    ///
    /// - Parameters:
    ///   - path: The path with its query, percent-encoded.
    ///   - form: The fields of a form that is posted; none for GET.
    ///   - headers: More header fields.
    /// - Returns: The answer; redirections are followed unless the client was configured not to.
    /// - Throws: What the client throws when there is none.
    package func visit(
        _ path: String, form: [(String, String)]? = nil, headers: [(String, String)] = []
    ) async throws -> Answer {
        let response = try await view(path, form: form, headers: headers)
        return Answer(
            status: Int(response.status.code), headers: response.headers,
            bytes: Array(try await response.body.collect(upTo: 64 << 20).readableBytesView))
    }

    /// The same, and returns when the head of the answer is there; the body is the caller's to read.
    package func view(
        _ path: String, form: [(String, String)]? = nil, headers: [(String, String)] = []
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "\(base)\(path)")
        request.headers.add(name: "Accept", value: "text/html,*/*")
        if let form {
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            request.body = .bytes(
                Array(
                    form.map { "\(PathSegment.encode($0.0))=\(PathSegment.encode($0.1))" }.joined(separator: "&").utf8))
        }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        return try await client.execute(request, timeout: .minutes(5))
    }

    /// Asks for something and returns when the head of the answer is there; the body is the caller's to read.
    package func send(
        _ method: Method, _ path: String, _ body: Value? = nil, token: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> HTTPClientResponse {
        let beside = ["/api", "/healthz", "/metrics", "/openapi.json"]
        let whole = beside.contains { path.hasPrefix($0) } ? path : "/api/v1\(path)"
        var request = HTTPClientRequest(url: "\(base)\(whole)")
        request.method = HTTPMethod(rawValue: method.rawValue)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body.jsonBytes)
        }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        return try await client.execute(request, timeout: .minutes(5))
    }
}

/// An answer of a server.
package struct Answer: Sendable {
    /// The status.
    package var status: Int
    /// The header fields.
    package var headers: HTTPHeaders
    /// The body.
    package var bytes: [UInt8]

    /// The body as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The body as JSON.
    ///
    /// - Throws: A `JSONError` when it is none.
    package var json: Value {
        get throws { try Value(json: bytes) }
    }

    /// Status, code and detail of a problem; of anything else, the status alone.
    package var problem: String {
        guard headers.first(name: "Content-Type") == "application/problem+json", let value = try? json,
            value["status"]?.int == status, value["type"]?.string == "about:blank", value["title"]?.string != nil
        else { return "\(status)" }
        return "\(status) \(value["code"]?.string ?? ""): \(value["detail"]?.string ?? "")"
    }

    package subscript(header name: String) -> String? { headers.first(name: name) }
}

/// A server's configuration, and its dashboard's.
package struct TestPages: Sendable {
    package var configuration: ServerConfiguration
    package var dashboard: DashboardConfiguration

    /// Returns pages that show what has happened, however slow the machine is.
    package static func pages(
        control: Bool = false, tokens: (any TokenStore)? = nil, clock: StoreClock = .system, rateLimit: Double? = nil
    ) -> Self {
        var dashboard = DashboardConfiguration(allowsControl: control)
        dashboard.rest = 0
        return Self(
            configuration: ServerConfiguration(
                admission: tokens.map { .tokens($0) } ?? .open, rateLimit: rateLimit, version: "9.9", clock: clock),
            dashboard: dashboard)
    }
}

/// Runs a server until the body is over, then shuts it down gracefully.
///
/// - Parameters:
///   - store: What it serves.
///   - data: Where checkpoints are, if anywhere.
///   - configuration: How it behaves; the port is always a free one.
///   - logger: Where it logs; nowhere by default.
///   - pages: A configuration with a dashboard, instead of `configuration`.
///   - extensions: Other mounts.
///   - configured: How the client behaves.
///   - body: Asks it.
/// - Returns: What the body returns.
/// - Throws: What the body or the server throws.
package func withServer<Result: Sendable>(
    store: any Store = InMemoryStore(), data: DataDirectory? = nil,
    configuration: ServerConfiguration = ServerConfiguration(), logger: Logger? = nil,
    pages: TestPages? = nil, extensions: [ServerExtension] = [],
    client configured: HTTPClient.Configuration = HTTPClient.Configuration(),
    _ body: @Sendable (TestServer) async throws -> Result
) async throws -> Result {
    var configuration = pages?.configuration ?? configuration
    configuration.port = 0
    let (ports, ready) = AsyncStream.makeStream(of: Int.self)
    let server = Server(
        store: store, data: data, configuration: configuration, logger: logger,
        extensions: extensions + (pages.map { [.dashboard($0.dashboard)] } ?? []), onReady: { ready.yield($0) })
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: [.init(service: server)], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configured)
    let scheme = configuration.tls == nil ? "http" : "https"
    do {
        let result = try await withThrowingTaskGroup(of: Void.self, returning: Result.self) { tasks in
            tasks.addTask {
                defer { ready.finish() }
                try await group.run()
            }
            guard let port = await ports.first(where: { _ in true }) else {
                try await tasks.waitForAll()
                throw CancellationError()
            }
            do {
                let result = try await body(
                    TestServer(
                        port: port, store: store, scheme: scheme, client: client, group: group,
                        server: server))
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return result
            } catch {
                tasks.cancelAll()
                throw error
            }
        }
        try await client.shutdown()
        return result
    } catch {
        try await client.shutdown()
        throw error
    }
}
