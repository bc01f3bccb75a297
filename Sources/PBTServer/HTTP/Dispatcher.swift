// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI
import PBTReport

/// What is known of a connection.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let address: String
    let channel: any Channel

    init(source: Source) {
        coreContext = .init(source: source)
        channel = source.channel
        address = source.channel.remoteAddress.flatMap(\.ipAddress) ?? ""
    }
}

/// Takes each request to its endpoint: admission, limits, routing, errors, counts, logs.
struct Dispatcher: HTTPResponder {
    typealias Context = ConnectionContext

    let site: Site
    let table: RouteTable
    let schedy: SchedyMount?
    let dashboard: Dashboard?

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let began = ContinuousClock.now
        site.metrics.begin()
        let path = request.uri.string.prefix { $0 != "?" && $0 != "#" }
        var request = request
        let unread = UnreadBody(of: &request)
        var match = table.find(request.method, path)
        let isPage = isPage(request, path, &match)
        var reply: Reply
        do {
            reply = try await answer(request, match, context, isPage: isPage)
        } catch {
            let problem = problem(of: error, request, context)
            reply = Reply(problem)
            if isPage, let dashboard {
                let call = call(request, [:], [:], Caller(name: nil, scope: .read), context)
                reply = await dashboard.errorPage(problem, call, address: context.address)
            }
        }
        if reply.status.code >= 400 { unread?.discard(after: &reply, closing: context.channel) }
        reply = reply.compressed(for: request.headers[.acceptEncoding])
        if request.method == .head {
            // The length of what a GET would get, and none of it: whatever follows is taken for the next answer.
            if let length = reply.body.contentLength { reply.headers[.contentLength] = String(length) }
            reply.body = ResponseBody()
        }
        let name =
            if case .found(let endpoint, _) = match {
                endpoint.path
            } else if schedy != nil, path.hasPrefix(SchedyMount.prefix + "/") {
                SchedyMount.prefix
            } else {
                "other"
            }
        let time = ContinuousClock.now - began
        site.metrics.end(request.method.rawValue, name, status: reply.status.code, after: time)
        context.logger.debug(
            "answered",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(name)", "status": "\(reply.status.code)",
                "ms": "\(time / .milliseconds(1))", "from": "\(context.address)",
            ])
        reply.headers[.xContentTypeOptions] = "nosniff"
        if reply.headers[.cacheControl] == nil { reply.headers[.cacheControl] = "no-store" }
        return Response(status: reply.status, headers: reply.headers, body: reply.body)
    }

    /// Whether a request is answered with a page; then `match` becomes the dashboard's.
    private func isPage(_ request: Request, _ path: Substring, _ match: inout RouteTable.Match) -> Bool {
        guard dashboard != nil, case .nothing = match, !path.hasPrefix("/api/"),
            !path.hasPrefix(SchedyMount.prefix + "/")
        else { return false }
        let page = Dashboard.table.find(request.method, path)
        guard Dashboard.answers(request, page) else { return false }
        match = page
        return true
    }

    private func call(
        _ request: Request, _ path: [String: String], _ query: [String: String], _ caller: Caller,
        _ context: ConnectionContext
    ) -> Call {
        Call(request: request, path: path, query: query, caller: caller, channel: context.channel, site: site)
    }

    private func answer(
        _ request: Request, _ match: RouteTable.Match, _ context: ConnectionContext, isPage: Bool
    ) async throws -> Reply {
        try checkHost(request)
        try checkOrigin(request)
        if let schedy, request.uri.string.hasPrefix(SchedyMount.prefix + "/") {
            try site.limit?.count(context.address)
            return try await schedy.reply(to: request, isSecure: site.configuration.tls != nil)
        }
        let endpoint: Endpoint
        let values: [String: String]
        switch match {
        case .found(let found, let path): (endpoint, values) = (found, path)
        case .nothing:
            throw Problem(
                404, "noSuchPath",
                isPage
                    ? "nothing is at \(PlainText.line(String(request.uri.string.prefix(200))))"
                    : "there is nothing here; the API is described at /openapi.json")
        case .malformed:
            throw PBTError(.badRequest, "the path is not percent-encoded UTF-8")
        case .wrongMethod(let allowed):
            var problem = Problem(
                405, "badMethod",
                "\(request.method.rawValue) means nothing here; use \(allowed.joined(separator: ", "))")
            problem.headers["Allow"] = allowed.joined(separator: ", ")
            throw problem
        }
        guard request.uri.string.utf8.count <= 8192 else {
            throw Problem(414, "tooLarge", "the URL is longer than 8192 bytes")
        }
        var caller = Caller(name: nil, scope: .read)
        if let scope = endpoint.scope {
            caller = try await site.access.caller(showing: request.headers[.authorization], from: context.address)
            guard caller.scope >= scope else {
                throw PBTError(
                    .forbidden,
                    "the token \"\(caller.name ?? "")\" is for \(caller.scope.rawValue); this needs \(scope.rawValue): "
                        + "pbt token create NAME --scope \(scope.rawValue)")
            }
        }
        let call = call(request, values, try Self.query(of: request), caller, context)
        if isPage, let dashboard { return try await dashboard.respond(call, endpoint, address: context.address) }
        try site.limit?.count(caller.name ?? context.address)
        return try await endpoint.handle(call)
    }

    /// On loopback without tokens, only requests that name this machine: a web page whose name was made to lead here
    /// (DNS rebinding) is refused.
    private func checkHost(_ request: Request) throws {
        guard !site.access.needsToken, site.configuration.isLoopback else { return }
        guard let authority = request.head.authority, !authority.isEmpty else { return }
        var host = authority[...]
        if host.hasPrefix("[") {
            host = host.prefix { $0 != "]" }.dropFirst()
        } else {
            host = host.prefix { $0 != ":" }
        }
        guard ServerConfiguration.isLoopback(String(host)) else {
            throw PBTError(
                .forbidden,
                "this server answers on this machine only, and not as \"\(host.prefix(100))\"; serve with a token to be reached by that name"
            )
        }
    }

    /// Refuses what a web page of another site asks a browser to change here.
    ///
    /// Browsers say where a request comes from; programs say nothing, and are let through.
    private func checkOrigin(_ request: Request) throws {
        guard ![.get, .head, .options].contains(request.method) else { return }
        let isForeign =
            if let site = request.headers[.secFetchSite] {
                site != "same-origin" && site != "none"
            } else if let origin = request.headers[.origin] {
                origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) } != request.head.authority
            } else {
                false
            }
        guard isForeign else { return }
        throw PBTError(.forbidden, "a web page of another site asked for this; only pages of this server may")
    }

    private static func query(of request: Request) throws -> [String: String] {
        let string = request.uri.string
        guard let mark = string.firstIndex(of: "?") else { return [:] }
        var query: [String: String] = [:]
        for pair in string[string.index(after: mark)...].prefix(while: { $0 != "#" }).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PathSegment.decode(parts[0].replacing("+", with: " ")),
                let value = parts.count == 2 ? PathSegment.decode(parts[1].replacing("+", with: " ")) : ""
            else { throw PBTError(.badRequest, "the query is not percent-encoded UTF-8") }
            query[name] = value
        }
        return query
    }

    private func problem(of error: any Error, _ request: Request, _ context: ConnectionContext) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as PBTError:
            let problem = Problem(error)
            if problem.status == 500 {
                context.logger.error("an error of the store's", metadata: ["error": "\(error)"])
            }
            return problem
        case is CancellationError:
            return Problem(503, "shuttingDown", "the server is shutting down; try again", retryAfter: 1)
        case let error as HTTPParserError: return Malformed.problem(of: error)
        case let error as any HTTPResponseError:
            return Problem(
                error.status.code, error.status.code == 413 ? "tooLarge" : "badRequest", "the request cannot be read")
        default:
            // What it says may hold what is nobody's business.
            context.logger.error("an unexpected error", metadata: ["error": "\(error)"])
            return Problem(500, "internal", "an error of the server's own; its log says more")
        }
    }
}

extension HTTPField.Name {
    static let secFetchSite = Self("Sec-Fetch-Site") ?? .origin
    static let xContentTypeOptions = Self("X-Content-Type-Options") ?? .contentType
}
