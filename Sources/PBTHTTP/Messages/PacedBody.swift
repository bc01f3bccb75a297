// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import HummingbirdCore
package import NIOCore

extension ResponseBody {
    /// The same body, of which no more is made than the client takes.
    ///
    /// Writing to a channel from outside its event loop returns before the channel has seen the bytes, so a writer that is
    /// faster than the event loop would fill memory although the channel is not writable.
    ///
    /// - Parameter channel: The connection that it is written to.
    /// - Returns: A body whose writer waits after each buffer until the channel has it, and so knows whether it takes more.
    package func paced(by channel: any Channel) -> ResponseBody {
        ResponseBody(contentLength: contentLength) { writer in
            try await self.write(PacedWriter(base: writer, eventLoop: channel.eventLoop))
        }
    }
}

/// Writes to another writer, and waits for the event loop after each buffer.
private struct PacedWriter: ResponseBodyWriter {
    var base: any ResponseBodyWriter
    let eventLoop: any EventLoop

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
        try await base.write(buffer)
        // What was written before is in the channel then, and the next write waits where that is not writable.
        try await eventLoop.submit {}.get()
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await base.finish(trailingHeaders)
    }
}
