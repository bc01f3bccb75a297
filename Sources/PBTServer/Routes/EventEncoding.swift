// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PBT
import PBTHTTP

/// The content encoding of one stream: gzip if the client accepts it, else none.
struct EventEncoding: Sendable {
    private var gzip: GzipStream?
    private var hasHeader = false

    init(isCompressed: Bool) {
        gzip = isCompressed ? GzipStream() : nil
    }

    /// Returns the bytes of frames, which must be written next.
    ///
    /// - Throws: A `PBTError` with code `inputOutput` if there is no memory to compress them.
    mutating func bytes(of frames: EncodedFrames) throws -> ByteBuffer {
        guard gzip != nil else { return frames.plain }
        guard let block = frames.compressed(), let bytes = gzip?.append(block) else {
            throw PBTError(.inputOutput, "events cannot be compressed")
        }
        guard !hasHeader else { return bytes }
        hasHeader = true
        var first = GzipStream.header
        first.writeImmutableBuffer(bytes)
        return first
    }

    /// Returns the bytes of a frame or a comment, which must be written next.
    ///
    /// - Throws: As ``bytes(of:)-(EncodedFrames)``.
    mutating func bytes(of text: String) throws -> ByteBuffer {
        try bytes(of: EncodedFrames(ByteBuffer(string: text)))
    }

    /// The bytes at the end of the stream, if any.
    var end: ByteBuffer? {
        hasHeader ? gzip?.end() : nil
    }
}
