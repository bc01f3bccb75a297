// SPDX-License-Identifier: Apache-2.0

import CZlib
package import PBTHTTP

extension Gzip {
    /// Returns the content of a gzip stream, decompressed by zlib's own reader, which also compares the checksum.
    ///
    /// - Parameters:
    ///   - packed: The stream.
    ///   - count: The most bytes of content.
    ///   - isEnded: Pass false for a stream that goes on: then the content so far is returned.
    /// - Returns: The content; nil for an invalid stream.
    package static func unpacked(_ packed: [UInt8], count: Int, isEnded: Bool = true) -> [UInt8]? {
        var stream = z_stream()
        guard
            inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { inflateEnd(&stream) }
        var isValid = false
        var input = packed
        let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { output, length in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(count + 1)
                let code = inflate(&stream, isEnded ? Z_FINISH : Z_SYNC_FLUSH)
                isValid = isEnded ? code == Z_STREAM_END : code == Z_OK && stream.avail_in == 0
            }
            length = count + 1 - Int(stream.avail_out)
        }
        return isValid ? bytes : nil
    }
}
