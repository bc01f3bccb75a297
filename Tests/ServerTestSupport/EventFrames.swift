// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import NIOCore
package import PBTAPI

/// The frames of a stream, as they come.
package struct EventFrames {
    private var body: HTTPClientResponse.Body.AsyncIterator
    private var parser = EventStream.Parser()
    private var frames: [EventStream.Frame] = []
    /// All bytes so far, comments included.
    package private(set) var text = ""

    package init(_ response: HTTPClientResponse) {
        body = response.body.makeAsyncIterator()
    }

    package mutating func next() async throws -> EventStream.Frame? {
        while frames.isEmpty {
            guard try await more() else { return nil }
        }
        return frames.removeFirst()
    }

    /// Reads on; false at the end.
    package mutating func more() async throws -> Bool {
        guard let buffer = try await body.next(isolation: #isolation) else { return false }
        text += String(decoding: buffer.readableBytesView, as: UTF8.self)
        frames += parser.take(buffer.readableBytesView)
        return true
    }
}
