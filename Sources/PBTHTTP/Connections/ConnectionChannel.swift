// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The pipeline of each connection: Hummingbird's HTTP/1 channel, with limits and deadlines of ours.
struct ConnectionChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: Responder
    let limits: ConnectionLimits
    let table: ConnectionTable
    let isSecure: Bool

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let isAdmitted = table.admit(channel)
            let gate = PipelineGate()
            if !isAdmitted {
                logger.warning("too many connections: one was refused")
                try pipeline.addHandler(Refusal(isSecure: isSecure))
            } else {
                // What waits for requests before it, and is read, is memory that a client fills.
                try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
                try pipeline.addHandler(gate)
            }
            var sizes = NIOHTTPDecoderLimitConfiguration()
            sizes.maxHeaderFieldSize = 16 << 10
            sizes.maxHeaderListSize = 32 << 10
            sizes.maxHeaderFieldCount = 100
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: sizes)
            try pipeline.addHandlers([RequestHeadCheck(), HTTP1ToHTTPServerCodec(secure: false)])
            if isAdmitted { try pipeline.addHandler(RequestDeadlines(limits: limits, table: table, gate: gate)) }
            try pipeline.addHandlers([DisconnectHandler(), InvalidRequestHandler()])
            // Without a time: it is here for graceful shutdowns.
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: nil, logger: logger))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}
