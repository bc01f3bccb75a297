// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI

/// Gives each request to the first mount that has a route for it; checks where it comes from, turns errors into
/// responses, compresses, counts and logs.
struct Dispatcher: HTTPResponder {
    typealias Context = ConnectionContext

    let context: HTTPContext
    let mounts: [any Mount]

    func respond(to request: Request, context connection: ConnectionContext) async throws -> Response {
        let start = ContinuousClock.now
        context.metrics.begin()
        let path = request.uri.string.prefix { $0 != "?" && $0 != "#" }
        var request = request
        let unread = UnreadBody(of: &request)
        let route = route(of: request, path: path)
        var reply: Reply
        do {
            try checkHost(request)
            try checkOrigin(request)
            try request.checkIsPlain()
            guard let route else {
                throw Problem(404, "noSuchPath", "not found; the API is described at /openapi.json")
            }
            reply = try await route.respond(request, connection)
        } catch {
            let problem = problem(of: error, connection.logger)
            reply = await route?.render?(problem, request, connection) ?? Reply(problem)
        }
        if reply.status.code >= 400 { unread?.discard(after: &reply, closing: connection.channel) }
        reply = reply.compressed(for: request.headers[.acceptEncoding])
        if request.method == .head {
            // The length of what a GET would get, and none of it: whatever follows is taken for the next response.
            if let length = reply.body.contentLength { reply.headers[.contentLength] = String(length) }
            reply.body = ResponseBody()
        }
        let name = route?.name ?? "other"
        let time = ContinuousClock.now - start
        context.metrics.end(request.method.rawValue, name, status: reply.status.code, after: time)
        connection.logger.debug(
            "responded",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(name)", "status": "\(reply.status.code)",
                "ms": "\(time / .milliseconds(1))", "from": "\(connection.address)",
            ])
        reply.headers[.xContentTypeOptions] = "nosniff"
        if reply.headers[.cacheControl] == nil { reply.headers[.cacheControl] = "no-store" }
        return Response(status: reply.status, headers: reply.headers, body: reply.body)
    }

    /// Returns the route of the first mount that has one; each mount is asked once.
    private func route(of request: Request, path: Substring) -> MountedRoute? {
        for mount in mounts {
            if let route = mount.route(request, path: path) { return route }
        }
        return nil
    }

    /// On loopback without tokens, only requests that name this machine: a web page whose name was made to lead here
    /// (DNS rebinding) is refused.
    private func checkHost(_ request: Request) throws {
        guard !context.access.needsToken, context.configuration.isLoopback else { return }
        guard let authority = request.head.authority, !authority.isEmpty else { return }
        var host = authority[...]
        if host.hasPrefix("[") {
            host = host.prefix { $0 != "]" }.dropFirst()
        } else {
            host = host.prefix { $0 != ":" }
        }
        guard HTTPConfiguration.isLoopback(String(host)) else {
            throw PBTError(
                .forbidden,
                "this server answers on this machine only, and not as \"\(host.prefix(100))\"; serve with a token to be reached by that name"
            )
        }
    }

    /// Refuses changes that a web page of another site asks a browser to make.
    private func checkOrigin(_ request: Request) throws {
        guard ![.get, .head, .options].contains(request.method), request.isFromThisServer == false else { return }
        throw PBTError(.forbidden, "a web page of another site asked for this; only pages of this server may")
    }

    /// Returns what a client is told of an error.
    private func problem(of error: any Error, _ logger: Logger) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as PBTError:
            let problem = Problem(error)
            if problem.status == 500 {
                logger.error("the store failed", metadata: ["error": "\(error)"])
            }
            return problem
        case is CancellationError:
            return Problem(503, "shuttingDown", "the server is shutting down; try again", retryAfter: 1)
        case let error as ConnectionProblem: return error.problem
        case let error as HTTPParserError: return InvalidRequestHandler.problem(of: error)
        case let error as any HTTPResponseError:
            return Problem(
                error.status.code, error.status.code == 413 ? "tooLarge" : "badRequest", "the request cannot be read")
        default:
            // What it says may hold what is nobody's business.
            logger.error("unexpected error", metadata: ["error": "\(error)"])
            return Problem(500, "internal", "internal server error; see the server log")
        }
    }
}
