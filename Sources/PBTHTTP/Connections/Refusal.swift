// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PBT
import PBTAPI

/// KeyedMutex away a connection that is one too many.
final class Refusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A response, as bytes; nobody can read it before a handshake, so with TLS there is none.
    private let response: ByteBuffer?

    init(isSecure: Bool) {
        response = isSecure ? nil : Self.response
    }

    private static let response: ByteBuffer = {
        let problem = Problem(
            503, "tooManyConnections",
            "the server has as many connections as it may have; try again, or raise --connections",
            retryAfter: 1)
        let body = problem.value.jsonBytes
        var buffer = ByteBuffer(
            string: "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
                + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n")
        buffer.writeBytes(body)
        return buffer
    }()

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { refuse(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        refuse(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Nothing more is heard.
    }

    private func refuse(_ context: ChannelHandlerContext) {
        if let response { context.writeAndFlush(wrapOutboundOut(response), promise: nil) }
        context.close(promise: nil)
    }
}
