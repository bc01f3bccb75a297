// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import PBT

/// A range of a file's bytes, read chunk by chunk as the consumer requests them.
package struct FileChunks: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    let file: OpenFile
    let range: Range<Int64>
    let onRead: @Sendable (Int64) -> Void

    /// Creates a sequence of the chunks of a range.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - range: The range in bytes.
    ///   - onRead: Receives the offset behind each chunk when the consumer takes it.
    package init(_ file: OpenFile, _ range: Range<Int64>, onRead: @escaping @Sendable (Int64) -> Void = { _ in }) {
        self.file = file
        self.range = range
        self.onRead = onRead
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(file: file, offset: range.lowerBound, end: range.upperBound, onRead: onRead)
    }

    package struct Iterator: AsyncIteratorProtocol {
        /// The most bytes of one chunk; each transfer holds two chunks in memory.
        private static let chunk: Int64 = 1 << 16

        let file: OpenFile
        var offset: Int64
        let end: Int64
        let onRead: @Sendable (Int64) -> Void

        package mutating func next() async throws -> ByteBuffer? {
            guard offset < end else { return nil }
            let (file, offset, count) = (file, offset, Int(Swift.min(end - offset, Self.chunk)))
            let buffer = try await blocking { try file.buffer(at: offset, count: count) }
            guard buffer.readableBytes > 0 else {
                throw PBTError(.inputOutput, "\(file.path) was truncated while it was read")
            }
            self.offset += Int64(buffer.readableBytes)
            onRead(self.offset)
            return buffer
        }
    }
}

extension OpenFile {
    /// Returns up to `count` bytes from a position in the file: fewer, or none, at its end.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func buffer(at offset: Int64, count: Int) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            try read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count)))
        }
        return buffer
    }

    /// Writes all bytes of a buffer at a position in the file.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func write(_ buffer: ByteBuffer, at offset: Int64) throws {
        try buffer.withUnsafeReadableBytes { try write($0, at: offset) }
    }
}

extension Checksum {
    /// Adds the readable bytes of a buffer.
    package mutating func update(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { update($0) }
    }
}
