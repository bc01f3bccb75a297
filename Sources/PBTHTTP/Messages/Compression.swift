// SPDX-License-Identifier: Apache-2.0

import CZlib
import HTTPTypes
import HummingbirdCore
import NIOCore

extension Reply {
    /// The shortest body that is compressed; a shorter one fits into one packet anyway.
    private static let shortest = 1024
    /// The longest body that is compressed; a longer one would block everything else meanwhile.
    private static let longest = 1 << 26

    /// The same answer compressed, where that is worth it and the client can read it.
    ///
    /// Bytes with a strong entity tag stay as they are: the tag is theirs, and is compared in `If-Match`.
    ///
    /// - Parameter accepted: The request's `Accept-Encoding`.
    /// - Returns: The answer, which in either case says what it depends on.
    func compressed(for accepted: String?) -> Reply {
        guard let bytes, (Self.shortest..<Self.longest).contains(bytes.count), headers[.contentEncoding] == nil,
            Self.isText(headers),
            headers[.eTag]?.hasPrefix("W/") ?? true
        else { return self }
        var reply = with(.vary, "Accept-Encoding")
        guard Self.acceptsGzip(accepted), let packed = Gzip.compressed(bytes) else { return reply }
        reply.body = ResponseBody(byteBuffer: ByteBuffer(bytes: packed))
        return reply.with(.contentEncoding, "gzip")
    }

    private static func isText(_ headers: HTTPFields) -> Bool {
        let type = headers[.contentType] ?? ""
        return type.hasPrefix("text/") || type.hasPrefix("application/json") || type.hasPrefix("image/svg+xml")
    }

    /// Returns true if an `Accept-Encoding` field accepts gzip (RFC 9110, 12.5.3).
    package static func acceptsGzip(_ field: String?) -> Bool {
        var others = false
        for part in field?.lowercased().split(separator: ",") ?? [] {
            let words = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            let weight = words.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            switch words.first {
            case "gzip", "x-gzip": return weight > 0
            case "*": others = weight > 0
            default: break
            }
        }
        return others
    }
}

/// The gzip format (RFC 1952), by zlib.
package enum Gzip {
    /// Bytes in the gzip format.
    ///
    /// - Returns: Nothing when there is no memory for it.
    static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // 15 for the largest window, 16 for gzip's header and checksum; 8 is zlib's usual share of memory.
        let code = deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        var isWhole = false
        var input = bytes
        let packed = [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(bound)
                isWhole = deflate(&stream, Z_FINISH) == Z_STREAM_END
            }
            count = bound - Int(stream.avail_out)
        }
        return isWhole ? packed : nil
    }
}
