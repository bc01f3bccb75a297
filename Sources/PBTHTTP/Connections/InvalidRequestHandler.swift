// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import PBT
import PBTAPI

/// Responds with an error to bytes that are not an HTTP request, and then closes the connection, since nobody knows where
/// the next request begins.
///
/// Connections on which other requests still wait for their responses are left to Hummingbird.
final class InvalidRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var requests = 0
    private var started = 0
    private var answered = 0
    private var isOver = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { requests += 1 }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.succeed()
            return
        }
        switch unwrapOutboundIn(data) {
        case .head: started += 1
        case .body: break
        case .end: answered += 1
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Whoever reads the request's body must not take what came of it for the whole.
        defer { context.fireErrorCaught(error) }
        // A request that ends half-way is not answered: its sender went away, or this server shuts down, and then the
        // sender must not take it for an answer to what it asked.
        guard let problem = Self.problem(ofConnection: error), started == answered, answered == requests, !isOver else {
            return
        }
        isOver = true
        let body = problem.value.jsonBytes
        var headers = Reply(problem).headers
        headers[.connection] = "close"
        headers[.contentLength] = String(body.count)
        headers[.cacheControl] = "no-store"
        let head = HTTPResponse(status: .init(code: problem.status), headerFields: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private static func problem(ofConnection error: any Error) -> Problem? {
        switch error {
        case let error as ConnectionProblem: error.problem
        case let error as HTTPParserError where error != .invalidEOFState: problem(of: error)
        default: nil
        }
    }

    /// Returns the problem with a request that cannot be parsed.
    static func problem(of error: HTTPParserError) -> Problem {
        switch error {
        case .headerOverflow: Problem(431, "tooLarge", "the URL and the header fields are too many or too long")
        // The client hung up, and will not read this; or the server is being ended, and another will take it.
        case .invalidEOFState: Problem(503, "shuttingDown", "the request broke off; send it again", retryAfter: 1)
        default: Problem(400, "badRequest", "this is not an HTTP request: \(error)")
        }
    }
}
