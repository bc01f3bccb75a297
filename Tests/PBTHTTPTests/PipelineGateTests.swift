// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import NIOCore
import NIOEmbedded
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite
struct PipelineGateTests {
    /// What comes through the gate.
    private final class Log: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var pieces: [String] = []
        var events: [String] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            pieces.append(String(buffer: unwrapInboundIn(data)))
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            events.append(event is PipelineGate.InputEnded ? "ended" : "closed")
        }
    }

    /// Counts the reads that reach the socket.
    private final class Socket: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        var reads = 0

        func read(context: ChannelHandlerContext) { reads += 1 }
    }

    private let gate = PipelineGate()
    private let socket = Socket()
    private let log = Log()
    private let channel = EmbeddedChannel()

    private static let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    init() throws {
        try channel.pipeline.syncOperations.addHandlers([socket, gate, log])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Lets one head through each time, as a server does that answers one request after another.
    private func admitOne() {
        let before = log.pieces.count
        gate.demand = { [log] in log.pieces.count > before ? .nothing : .head }
        gate.resume()
        channel.embeddedEventLoop.run()
    }

    @Test func `pipelined requests come one at a time, and nothing is read while some wait`() throws {
        gate.demand = { [log] in log.pieces.isEmpty ? .head : .nothing }
        try channel.writeInbound(ByteBuffer(string: String(repeating: Self.request, count: 3)))
        let reads = socket.reads
        channel.read()
        #expect(log.pieces == [Self.request])
        admitOne()
        #expect(log.pieces == [Self.request, Self.request])
        #expect(socket.reads == reads)
        admitOne()
        #expect(log.pieces == [Self.request, Self.request, Self.request])
        #expect(socket.reads == reads + 1)
    }

    @Test func `a head that does not end is passed on in pieces`() throws {
        gate.demand = { .head }
        let text = String(repeating: "x", count: 2000)
        try channel.writeInbound(ByteBuffer(string: text))
        #expect(log.pieces.joined() == text)
        #expect(log.pieces.allSatisfy { $0.utf8.count <= 512 })
    }

    @Test func `a body is passed on whole, and what follows it waits`() throws {
        let body = String(repeating: "b", count: 3000)
        gate.demand = { [log] in log.pieces.isEmpty ? .body(3000) : .nothing }
        try channel.writeInbound(ByteBuffer(string: body + Self.request))
        #expect(log.pieces == [body])
    }

    @Test func `the end of the client's side comes after what is held, and is announced before`() throws {
        gate.demand = { .nothing }
        try channel.writeInbound(ByteBuffer(string: Self.request))
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(log.events == ["ended"])
        admitOne()
        #expect(log.pieces == [Self.request])
        #expect(log.events == ["ended", "closed"])
    }

    @Test func `a client that closes its side with too much to answer is cut off`() throws {
        gate.demand = { .nothing }
        for _ in 0..<5 {
            try channel.writeInbound(ByteBuffer(repeating: 0x61, count: 64 << 10))
        }
        #expect(!channel.isActive)
    }
}
