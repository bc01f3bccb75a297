// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Backpressure for pipelined requests: passes one request on at a time, and the next when the response to it was
/// written and the client takes what is sent.
///
/// It stands before the HTTP decoder, which makes a request of every 26 bytes that it gets, so what waits here is bytes:
/// one read of them. While any wait, nothing more is read from the socket, and the client's own sends block.
final class PipelineGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The reads that may be passed on.
    enum Demand {
        /// Nothing: a request is being answered.
        case nothing
        /// The head of the next request.
        case head
        /// The body of a request, with the number of its bytes that are missing where that is known.
        case body(Int?)
        /// Nothing ever again: what comes is discarded.
        case discard
    }

    /// The client has closed its side, and requests of its are still held.
    struct InputEnded {}

    /// The longest piece of a head, in bytes: whatever ends a head early, few requests fit into it.
    private static let headPiece = 512
    /// The longest piece of a body of unknown length.
    private static let bodyPiece = 8 << 10
    /// The most that is held, in bytes.
    ///
    /// One read is less; a client that closes its side makes NIO read all that has arrived.
    private static let capacity = 256 << 10

    /// Returns what may be passed on now.
    var demand: () -> Demand = { .head }

    private var held = ByteBuffer()
    private var hasPendingRead = false
    private var hasPendingEnd = false
    /// True if anything was passed on since the last read was complete.
    private var hasPassed = false
    private var isPassing = false
    private var isScheduled = false
    private var context: ChannelHandlerContext?

    /// The number of bytes written to this connection.
    private(set) var written = 0

    /// Passes on what may be passed on by now, soon: in a later turn of the event loop, so other connections get theirs.
    func resume() {
        guard let context, !isScheduled, held.readableBytes > 0 else { return }
        isScheduled = true
        let gate = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { gate.value.passScheduled() }
    }

    private func passScheduled() {
        isScheduled = false
        guard let context else { return }
        if pass(context) { context.fireChannelReadComplete() }
        settle(context)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        held = ByteBuffer()
    }

    func channelInactive(context: ChannelHandlerContext) {
        held = ByteBuffer()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if held.readableBytes == 0 {
            held = bytes
        } else {
            // Without what was passed on of it.
            var joined = context.channel.allocator.buffer(capacity: held.readableBytes + bytes.readableBytes)
            joined.writeBuffer(&held)
            joined.writeBuffer(&bytes)
            held = joined
        }
        if pass(context) { hasPassed = true }
        if held.readableBytes > Self.capacity { context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // What was held for a while is not a part of a head that came slowly.
        if hasPassed || held.readableBytes == 0 { context.fireChannelReadComplete() }
        hasPassed = false
        settle(context)
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes == 0 { context.read() } else { hasPendingRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { resume() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let ended = event as? ChannelEvent, ended == .inputClosed, held.readableBytes > 0 else {
            return context.fireUserInboundEventTriggered(event)
        }
        // The decoder must get the rest first.
        hasPendingEnd = true
        context.fireUserInboundEventTriggered(InputEnded())
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    /// Passes on what may be passed on.
    ///
    /// - Returns: Whether that was anything.
    private func pass(_ context: ChannelHandlerContext) -> Bool {
        guard !isPassing else { return false }
        isPassing = true
        defer { isPassing = false }
        var hasPassed = false
        while held.readableBytes > 0, context.channel.isActive {
            let length: Int
            switch demand() {
            case .nothing: return hasPassed
            case .discard:
                held = ByteBuffer()
                return hasPassed
            case .head:
                guard context.channel.isWritable else { return hasPassed }
                length = headLength()
            case .body(let missing): length = max(missing ?? Self.bodyPiece, Self.headPiece)
            }
            guard let piece = held.readSlice(length: min(length, held.readableBytes)) else { return hasPassed }
            hasPassed = true
            context.fireChannelRead(wrapInboundOut(piece))
        }
        held = ByteBuffer()
        return hasPassed
    }

    /// The most bytes held that may belong to one head.
    private func headLength() -> Int {
        let piece = held.readableBytesView.prefix(Self.headPiece)
        var matched = 0
        for (offset, byte) in piece.enumerated() {
            let isExpected = byte == (matched.isMultiple(of: 2) ? 0x0d : 0x0a)
            matched = isExpected ? matched + 1 : (byte == 0x0d ? 1 : 0)
            if matched == 4 { return offset + 1 }
        }
        return piece.count
    }

    /// Catches up on what had to wait until nothing was held.
    private func settle(_ context: ChannelHandlerContext) {
        guard held.readableBytes == 0, self.context != nil else { return }
        if hasPendingEnd {
            hasPendingEnd = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        if hasPendingRead {
            hasPendingRead = false
            context.read()
        }
    }
}
