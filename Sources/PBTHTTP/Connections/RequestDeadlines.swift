// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Ends connections whose other end keeps the server waiting: for a request, for the rest of one, for the response to be
/// read, or for being closed.
///
/// Time in which the server itself is busy, or does not read because it has enough to do, never counts.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var limits: ConnectionLimits
    private let table: ConnectionTable
    private let gate: PipelineGate
    private var task: RepeatedTask?

    /// Requests whose head came, requests that came whole, and responses that were written whole.
    private var heads = 0
    private var wholes = 0
    private var responses = 0
    /// True if the connection is closed after the last request.
    private var isLast = false

    /// Since when the next request's head is waited for.
    private var waiting: NIODeadline
    /// Since when the bytes of a head come, or since the connection was opened.
    private var partial: NIODeadline?
    /// True if a head has arrived in part.
    private var hasPartial = false
    /// True if a read yielded a part, rather than bytes of an incomplete head.
    private var broughtPart = false

    private var body = BodyClock()
    /// The number of missing bytes of the body, if its length is known.
    private var missing: Int?
    /// Since when what comes is dropped: all is said.
    private var lingering: NIODeadline?

    /// When the connection was last looked at.
    private var checked = NIODeadline.now()
    /// The number of bytes that the system had accepted for the client then.
    private var sent = 0
    private var stalled: NIODeadline?

    /// - Parameters:
    ///   - limits: How long to wait.
    ///   - table: The connections of the server.
    ///   - gate: Where requests come from; told by this handler what may come.
    init(limits: ConnectionLimits, table: ConnectionTable, gate: PipelineGate) {
        self.limits = limits
        self.table = table
        self.gate = gate
        waiting = .now()
        partial = waiting
        gate.demand = { [weak self] in self?.demand ?? .discard }
    }

    private var isReadingBody: Bool { heads > wholes }
    private var isWorking: Bool { heads > responses }

    private var demand: PipelineGate.Demand {
        if isReadingBody { return .body(missing) }
        if lingering != nil { return .discard }
        return isWorking ? .nothing : .head
    }

    // MARK: The connection

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        channel.closeFuture.whenComplete { [table] _ in table.leave(channel) }
        let box = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        task = context.eventLoop.scheduleRepeatedTask(
            initialDelay: TimeAmount(limits.tick), delay: TimeAmount(limits.tick)
        ) { _ in
            box.value.handler.check(box.value.context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        task?.cancel()
        task = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The server shuts down, and waits for its clients: those that keep it waiting not for as long as usual.
        if event is ChannelShouldQuiesceEvent { limits.hurry() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // After what is no HTTP nothing more is heard; time for the client to read what was said about it.
        beginLingering(context)
        context.fireErrorCaught(error)
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        broughtPart = true
        let part = unwrapInboundIn(data)
        if lingering != nil {
            switch part {
            case .head: break
            case .body(let buffer): missing = missing.map { $0 - buffer.readableBytes }
            case .end: endLingering(context, data)
            }
            return
        }
        switch part {
        case .head(let head):
            heads += 1
            (partial, hasPartial) = (nil, false)
            isLast = head.headerFields[values: .connection].contains { $0.lowercased().contains("close") }
            body = BodyClock(of: head, limits)
            missing = head.headerFields[.contentLength].flatMap { Int($0) }
            if heads == responses + 1 { table.work(context.channel) }
        case .body(let buffer):
            body.take(buffer.readableBytes)
            missing = missing.map { $0 - buffer.readableBytes }
        case .end:
            wholes += 1
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !broughtPart, !isReadingBody {
            hasPartial = true
            if partial == nil { partial = .now() }
        }
        broughtPart = false
        body.pause()
        context.fireChannelReadComplete()
        if lingering != nil { context.read() }
    }

    func read(context: ChannelHandlerContext) {
        if isReadingBody { body.wait() }
        context.read()
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        context.write(data, promise: promise)
        responses += 1
        guard !isWorking else { return }
        waiting = .now()
        if partial != nil { partial = waiting }
        if isReadingBody || isLast {
            context.flush()
            beginLingering(context)
        }
        table.wait(context.channel)
        gate.resume()
    }

    private func beginLingering(_ context: ChannelHandlerContext) {
        guard lingering == nil else { return }
        lingering = .now()
        gate.resume()
        context.read()
    }

    /// The rest of a request has come that was answered before.
    private func endLingering(_ context: ChannelHandlerContext, _ end: NIOAny) {
        guard isReadingBody else { return }
        wholes += 1
        guard !isLast, !isWorking else { return context.close(promise: nil) }
        lingering = nil
        waiting = .now()
        context.fireChannelRead(end)
    }

    // MARK: Deadlines

    private func check(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let now = NIODeadline.now()
        forgiveDelay(now)
        if isStalled(context, now) { return abort(context) }
        if let lingering {
            if now - lingering > TimeAmount(limits.linger) { context.close(promise: nil) }
        } else if isReadingBody {
            if body.isTooSlow(now, limits) { timeOut(context) }
        } else if !isWorking {
            if let partial {
                guard now - partial > TimeAmount(limits.header) else { return }
                // Browsers open connections that they may not need: there is nothing to say on those.
                hasPartial ? timeOut(context) : context.close(promise: nil)
            } else if now - waiting > TimeAmount(limits.idle) {
                context.close(promise: nil)
            }
        }
    }

    /// Moves all that is measured, where the event loop is late: it has read nothing meanwhile, and neither has the client
    /// been served.
    private func forgiveDelay(_ now: NIODeadline) {
        let tick = TimeAmount(limits.tick)
        let late = now - checked - tick
        checked = now
        guard late > tick else { return }
        waiting = min(now, waiting + late)
        partial = partial.map { min(now, $0 + late) }
        lingering = lingering.map { min(now, $0 + late) }
        stalled = stalled.map { min(now, $0 + late) }
        body.forgive(late, now)
    }

    /// Returns true if the client has read nothing for too long.
    private func isStalled(_ context: ChannelHandlerContext, _ now: NIODeadline) -> Bool {
        let buffered: Int
        do {
            buffered = try context.channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        } catch {
            // The channel is closed.
            return false
        }
        // What is written only makes more of it wait. With TLS a little more is buffered than was written here.
        let before = sent
        sent = gate.written - buffered
        guard buffered > 0, sent <= before else {
            stalled = nil
            return false
        }
        let since = stalled ?? now
        stalled = since
        return now - since > TimeAmount(limits.write)
    }

    /// Closes a connection whose client takes nothing, and drops what the system holds for it: that would stay for as long
    /// as the client does.
    private func abort(_ context: ChannelHandlerContext) {
        // Done when it returns, on the channel's own event loop; where it fails, the system drops the rest in its own time.
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        context.close(promise: nil)
    }

    private func timeOut(_ context: ChannelHandlerContext) {
        // InvalidRequestHandler says so, where nothing else is being said, and the endpoint that reads learns of it.
        context.fireErrorCaught(ConnectionProblem.slow)
        context.close(promise: nil)
    }
}

/// Measures how long the server has waited for a body.
private struct BodyClock {
    private var isFile = false
    private var bytes = 0
    private var waited = TimeAmount.zero
    private var since: NIODeadline?

    init() {}

    init(of head: HTTPRequest, _ limits: ConnectionLimits) {
        // A file may be of any size, over a network of any speed.
        isFile = head.method == .put && head.path?.contains("/uploads/") == true
    }

    mutating func take(_ count: Int) {
        bytes += count
    }

    /// A read begins.
    mutating func wait() {
        if since == nil { since = .now() }
    }

    /// A read has brought something.
    mutating func pause() {
        if let since { waited = waited + (.now() - since) }
        since = nil
    }

    /// The server has not read for a while, though it meant to.
    mutating func forgive(_ late: TimeAmount, _ now: NIODeadline) {
        since = since.map { min(now, $0 + late) }
    }

    func isTooSlow(_ now: NIODeadline, _ limits: ConnectionLimits) -> Bool {
        let current = since.map { now - $0 } ?? .zero
        if isFile { return current > TimeAmount(limits.upload) }
        return waited + current > TimeAmount(limits.body + .seconds(bytes / max(1, limits.bodyRate)))
    }
}
