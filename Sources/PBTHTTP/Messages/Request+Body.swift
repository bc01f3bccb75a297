// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import HummingbirdCore
import NIOCore
import PBTAPI

extension Request {
    /// The whole body.
    ///
    /// - Throws: A ``Problem`` with status 413 when it is longer than allowed.
    package func bytes(upTo maximum: Int) async throws -> [UInt8] {
        func tooLarge() -> Problem {
            Problem(413, "tooLarge", "the body is larger than \(maximum) bytes")
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > maximum { throw tooLarge() }
        var bytes: [UInt8] = []
        for try await buffer in body {
            guard bytes.count + buffer.readableBytes <= maximum else { throw tooLarge() }
            bytes += buffer.readableBytesView
        }
        return bytes
    }

    /// Refuses a body that is compressed: it would be read, or kept as a file, as if it were not.
    func checkIsPlain() throws {
        let codings = headers[values: .contentEncoding].filter { $0.lowercased() != "identity" }
        guard let coding = codings.first else { return }
        throw Problem(
            415, "unsupportedMediaType",
            "Content-Encoding: \"\(coding.prefix(60))\" is not supported; send the body as it is")
    }

    /// Also keeps web pages of other sites from posting here: a browser asks first before it sends this type.
    package func checkIsJSON() throws {
        let type = headers[.contentType]?.prefix { $0 != ";" }.lowercased().filter { $0 != " " } ?? ""
        guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) else {
            throw Problem(
                415, "unsupportedMediaType",
                "Content-Type must be application/json, not \(type.isEmpty ? "missing" : "\"\(type.prefix(60))\"")")
        }
    }
}
