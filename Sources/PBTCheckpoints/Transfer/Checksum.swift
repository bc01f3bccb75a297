// SPDX-License-Identifier: Apache-2.0

import Crypto
import PBT

/// An incremental SHA-256.
package struct Checksum: Sendable {
    private var hash = SHA256()

    package init() {}

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
    }

    /// Adds the UTF-8 bytes of a string.
    package mutating func update(_ text: String) {
        hash.update(data: Array(text.utf8))
    }

    /// The checksum of all bytes so far, in 64 hexadecimal digits.
    package var text: String {
        Hex.text(of: hash.finalize())
    }

    /// Returns the size and the checksum of a file.
    ///
    /// Blocks while it reads all of the file.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`; `CancellationError`.
    package static func of(_ file: OpenFile) throws -> (size: Int64, sha256: String) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var checksum = Self()
        var offset: Int64 = 0
        while true {
            try Task.checkCancellation()
            let count = try file.read(at: offset, into: buffer)
            guard count > 0 else { return (offset, checksum.text) }
            checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
        }
    }
}
