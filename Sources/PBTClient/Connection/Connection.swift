// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PBT
import PBTAPI

/// An HTTP connection to one server, with connection pooling, authentication, and error responses.
///
/// It makes each request once; ``Retrying`` retries.
final class Connection: Sendable {
    let address: ServerAddress
    let configuration: ClientConfiguration
    private let http: HTTPClient

    /// Creates a connection, which is opened by the first request.
    ///
    /// - Throws: A `PBTError` with code `badValue` for a certificate file that cannot be used.
    init(_ address: ServerAddress, _ configuration: ClientConfiguration) throws {
        self.address = address
        self.configuration = configuration
        var tls = TLSConfiguration.makeClientConfiguration()
        if let path = configuration.certificateAuthority {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw PBTError(
                    .badValue, "PBT_CA_FILE: \(path) is not a valid PEM file of certificates (\(error))")
            }
        }
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            // Longer than any wait that a request asks for, and than the pauses of an event stream.
            timeout: .init(connect: .seconds(10), read: .seconds(100), write: .seconds(60)))
        settings.connectionPool.retryConnectionEstablishment = false
        // Each slot of a worker can wait in a connection; idle connections are closed.
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        settings.httpVersion = .http1Only
        http = HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: settings)
    }

    deinit {
        // Open connections close by themselves; errors are of no use here.
        http.shutdown { _ in }
    }

    /// Returns the HTTP request of a call.
    func request(_ call: APICall) -> HTTPClientRequest {
        var url = "\(address)/api/v1\(call.path)"
        if !call.query.isEmpty {
            url += "?" + call.query.map { "\($0)=\(PathSegment.encode($1))" }.joined(separator: "&")
        }
        var request = HTTPClientRequest(url: url)
        request.method = call.method
        request.headers = call.headers
        request.headers.replaceOrAdd(name: "User-Agent", value: "pbt")
        if let token = configuration.token {
            request.headers.replaceOrAdd(name: "Authorization", value: "Bearer \(token)")
        }
        if let body = call.body {
            request.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body.json))
        }
        return request
    }

    /// Sends a request and returns the response when its head has arrived.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - time: The timeout of the whole exchange, the body included.
    /// - Returns: The response, with a status below 300 or 304.
    /// - Throws: A ``RequestFailure``, or a `CancellationError`.
    func open(_ request: HTTPClientRequest, within time: Duration) async throws -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, timeout: .milliseconds(time.milliseconds))
        } catch {
            throw failure(error)
        }
        let status = Int(response.status.code)
        guard status >= 300, status != 304 else { return response }
        let body: [UInt8]
        do {
            body = Array(try await response.body.collect(upTo: 1 << 20).readableBytesView)
        } catch {
            throw failure(error)
        }
        let retryAfter = response.headers.first(name: "Retry-After").flatMap { Int($0) }
            .map { min(max($0, 0), 3600) }
        throw RequestFailure(Problem(status: status, body: body, retryAfter: retryAfter), from: address)
    }

    /// Returns the failure for an error of the HTTP client; `CancellationError` if the task is cancelled.
    func failure(_ error: any Error) -> any Error {
        if Task.isCancelled { return CancellationError() }
        if let failure = error as? RequestFailure { return failure }
        return RequestFailure(error, from: address)
    }

    /// Makes a call once.
    ///
    /// - Throws: A ``RequestFailure``, or a `CancellationError`.
    func response(to call: APICall) async throws -> APIResponse {
        let response = try await open(request(call), within: configuration.timeout + call.wait)
        do {
            let body = try await response.body.collect(upTo: 256 << 20)
            return APIResponse(
                status: Int(response.status.code), headers: response.headers, body: Array(body.readableBytesView))
        } catch {
            throw failure(error)
        }
    }
}

/// A call of the API.
struct APICall: Sendable {
    var method: HTTPMethod
    /// The percent-encoded path below `/api/v1`.
    var path: String
    var query: [(String, String)] = []
    var headers: HTTPHeaders = [:]
    var body: Value?
    /// The time that the server may wait before it responds.
    var wait: Duration = .zero

    init(
        _ method: HTTPMethod, _ path: APIPath, query: [(String, String)] = [], body: Value? = nil,
        wait: Duration = .zero
    ) {
        self.method = method
        self.path = path.text
        self.query = query
        self.body = body
        self.wait = wait
    }
}

/// A path below `/api/v1` that percent-encodes its segments.
struct APIPath: Sendable {
    private(set) var text = ""

    init(_ segments: String...) {
        for segment in segments { text += "/" + PathSegment.encode(segment) }
    }

    static func experiment(_ name: String, _ rest: String...) -> Self {
        var path = Self("experiments", name)
        for segment in rest { path.append(segment) }
        return path
    }

    static func interval(_ id: IntervalID, of name: String, _ rest: String...) -> Self {
        var path = Self("experiments", name, "intervals", String(id.member), String(id.index))
        for segment in rest { path.append(segment) }
        return path
    }

    mutating func append(_ segment: String) {
        text += "/" + PathSegment.encode(segment)
    }
}

/// The response to a call.
struct APIResponse: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]

    /// The fields of the JSON object in the body.
    ///
    /// - Throws: A `PBTError` with code `unreachable` if the body is not a JSON object.
    func fields() throws -> Fields {
        do {
            return try Fields(Value(json: body))
        } catch {
            throw PBTError(
                .unreachable, "the response is not from a pbt server (\(error)); is this the server's address?")
        }
    }
}
