// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// The body of a request that may be answered before all of it has come, such as an upload that another has superseded.
///
/// A client that sends its whole body before it reads would wait forever for a server that has answered and reads no
/// further.
final class UnreadBody: Sendable {
    /// The most that is read and discarded after a response.
    private static let limit = 256 << 20
    /// The longest body after which the connection is used further.
    private static let short = 64 << 10

    private let body: RequestBody
    private let length: Int?
    private let isRead = Mutex(false)
    // A body can be iterated once only. Used by one task at a time: the endpoint's, which then discards the rest.
    nonisolated(unsafe) private var iterator: RequestBody.AsyncIterator?

    /// Watches the body of a request; nil for a request without one.
    ///
    /// - Parameter request: The request; its body is replaced by one that is watched.
    init?(of request: inout Request) {
        let headers = request.headers
        length = headers[.contentLength].flatMap { Int($0) }
        guard headers[.transferEncoding] != nil || length ?? 0 > 0 else { return nil }
        body = request.body
        request.body = RequestBody(asyncSequence: Watched(owner: self))
    }

    /// Makes an error response close the connection when the body was not read: the response is sent first, then what is
    /// still on its way is read and discarded, then the connection is closed.
    ///
    /// - Parameters:
    ///   - reply: The response.
    ///   - channel: The connection.
    func discard(after reply: inout Reply, closing channel: any Channel) {
        guard let bytes = reply.bytes, !isRead.withLock({ $0 }) else { return }
        let closes = length.map { $0 > Self.short } ?? true
        if closes { reply.headers[.connection] = "close" }
        reply.body = ResponseBody(contentLength: bytes.count) { [self] writer in
            try await writer.write(ByteBuffer(bytes: bytes))
            try await writer.finish(nil)
            await discardRest()
            if closes { channel.close(promise: nil) }
        }
    }

    private func discardRest() async {
        var count = 0
        do {
            while let buffer = try await next() {
                count += buffer.readableBytes
                guard count < Self.limit else { return }
            }
        } catch {
            // The client hung up.
        }
    }

    @concurrent private func next() async throws -> ByteBuffer? {
        guard !isRead.withLock({ $0 }) else { return nil }
        var current = iterator ?? body.makeAsyncIterator()
        let buffer: ByteBuffer?
        do {
            buffer = try await current.next()
        } catch {
            // Nothing more can be read of it.
            isRead.withLock { $0 = true }
            throw error
        }
        iterator = current
        if buffer == nil { isRead.withLock { $0 = true } }
        return buffer
    }

    /// The same body, whose reader may stop anywhere.
    private struct Watched: AsyncSequence, Sendable {
        typealias Element = ByteBuffer

        let owner: UnreadBody

        func makeAsyncIterator() -> Iterator {
            Iterator(owner: owner)
        }

        struct Iterator: AsyncIteratorProtocol {
            let owner: UnreadBody

            mutating func next() async throws -> ByteBuffer? {
                try await owner.next()
            }
        }
    }
}
