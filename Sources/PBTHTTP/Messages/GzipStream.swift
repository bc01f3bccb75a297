// SPDX-License-Identifier: Apache-2.0

import CZlib
package import NIOCore

/// A part of a compressed stream that depends on nothing before it, so that many streams can share its bytes.
///
/// It is a sequence of non-final deflate blocks that ends at a byte boundary (RFC 1951; a "full flush" in zlib).
package struct GzipBlock: Sendable {
    fileprivate let bytes: ByteBuffer
    fileprivate let checksum: UInt
    fileprivate let length: Int

    /// Compresses bytes; nil if there is no memory for it.
    package init?(_ plain: ByteBuffer) {
        var stream = z_stream()
        // A negative window: no header and no trailer. The fastest level: events are short and alike.
        let code = deflateInit2_(
            &stream, Z_BEST_SPEED, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = Array(plain.readableBytesView)
        // A flush adds up to 10 bytes to the bound.
        let bound = Int(deflateBound(&stream, UInt(input.count))) + 16
        var isWhole = false
        let packed = [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(bound)
                isWhole = deflate(&stream, Z_FULL_FLUSH) == Z_OK && stream.avail_in == 0 && stream.avail_out > 0
            }
            count = bound - Int(stream.avail_out)
        }
        guard isWhole else { return nil }
        bytes = ByteBuffer(bytes: packed)
        checksum = UInt(crc32(0, input, UInt32(input.count)))
        length = input.count
    }
}

/// A response in the gzip format (RFC 1952) that is made of blocks as they come.
package struct GzipStream: Sendable {
    private var checksum: UInt = 0
    private var length = 0

    /// Creates a stream without content.
    package init() {}

    /// The bytes before the first block.
    package static let header = ByteBuffer(bytes: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])

    /// Returns the bytes of a block, which must be written next.
    package mutating func append(_ block: GzipBlock) -> ByteBuffer {
        checksum = UInt(crc32_combine(checksum, block.checksum, block.length))
        length &+= block.length
        return block.bytes
    }

    /// Returns the bytes after the last block.
    package func end() -> ByteBuffer {
        // An empty final block.
        var buffer = ByteBuffer(bytes: [3, 0])
        buffer.writeInteger(UInt32(truncatingIfNeeded: checksum), endianness: .little)
        buffer.writeInteger(UInt32(truncatingIfNeeded: length), endianness: .little)
        return buffer
    }
}
