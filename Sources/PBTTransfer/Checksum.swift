// SPDX-License-Identifier: Apache-2.0

import Crypto
package import NIOCore
import PBT

/// SHA-256 of bytes as they come.
package struct Checksum: Sendable {
    private var hash = SHA256()

    package init() {}

    /// Takes in bytes.
    package mutating func update(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
    }

    /// The checksum of all bytes so far, in 64 hexadecimal digits.
    package var text: String {
        Hex.text(of: hash.finalize())
    }

    /// The size and checksum of a file.
    ///
    /// Reads all of it; not for the threads that tasks share.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`, and `CancellationError`.
    package static func of(_ file: OpenFile) throws -> (size: Int64, sha256: String) {
        var checksum = Self()
        var offset: Int64 = 0
        while true {
            try Task.checkCancellation()
            let buffer = try file.read(at: offset, count: 1 << 20)
            guard buffer.readableBytes > 0 else { return (offset, checksum.text) }
            checksum.update(buffer)
            offset += Int64(buffer.readableBytes)
        }
    }
}
