// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A connection on which anything can be sent, also what no client library would.
package struct RawConnection: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Connects, does something, and closes the connection.
    package static func open<Result: Sendable>(
        to port: Int, _ body: @Sendable (inout Reader, RawConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) {
                channel -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var reader = Reader(iterator: inbound.makeAsyncIterator())
            return try await body(&reader, RawConnection(channel: channel, outbound: outbound))
        }
    }

    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    private init(channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>)
    {
        self.channel = channel
        self.outbound = outbound
    }

    /// Sends text.
    package func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    /// Sends bytes.
    package func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// Waits until the connection is closed, by whichever end; nothing need be read for that.
    package func untilClosed() async throws {
        try await channel.channel.closeFuture.get()
    }

    /// Goes away without a word.
    package func hangUp() async throws {
        try await channel.channel.close()
    }

    /// Reads what comes.
    package struct Reader {
        fileprivate var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        private(set) var bytes: [UInt8] = []

        fileprivate init(iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) {
            self.iterator = iterator
        }

        /// Everything until the other end closes the connection.
        package mutating func all() async throws -> String {
            while let buffer = try await iterator.next(isolation: #isolation) { bytes += buffer.readableBytesView }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// The next answer, by its `Content-Length`; the head alone when there is none.
        package mutating func answer() async throws -> String {
            while true {
                let text = String(decoding: bytes, as: UTF8.self)
                if let end = text.firstRange(of: "\r\n\r\n") {
                    let head = text[..<end.upperBound]
                    let field = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                    let length = field.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
                    if bytes.count >= head.utf8.count + length {
                        let whole = String(decoding: bytes[..<(head.utf8.count + length)], as: UTF8.self)
                        bytes.removeFirst(head.utf8.count + length)
                        return whole
                    }
                }
                guard let buffer = try await iterator.next(isolation: #isolation) else { return text }
                bytes += buffer.readableBytesView
            }
        }

        /// Reads on until what came holds a text.
        package mutating func wait(for text: String) async throws {
            while !String(decoding: bytes, as: UTF8.self).contains(text) {
                guard let buffer = try await iterator.next(isolation: #isolation) else {
                    throw ClosedEarly(seen: bytes)
                }
                bytes += buffer.readableBytesView
            }
        }
    }

    /// The other end closed the connection before it sent what was waited for.
    package struct ClosedEarly: Error, CustomStringConvertible {
        package let seen: [UInt8]

        package var description: String { "the connection was closed after: \(String(decoding: seen, as: UTF8.self))" }
    }
}
