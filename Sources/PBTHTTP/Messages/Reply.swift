// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import HummingbirdCore
import NIOCore
package import PBT
package import PBTAPI

/// A response to a request.
package struct Reply: Sendable {
    package var status: HTTPResponse.Status = .ok
    package var headers: HTTPFields = [:]
    package var body: ResponseBody {
        didSet { bytes = nil }
    }
    /// The bytes of a body that is not streamed.
    private(set) var bytes: [UInt8]?

    /// Returns a response without a body.
    package static func empty(_ status: HTTPResponse.Status = .noContent) -> Self {
        Self(status: status)
    }

    /// Returns a response with a JSON body.
    package static func json(
        _ value: Value, _ status: HTTPResponse.Status = .ok, type: String = "application/json"
    ) -> Self {
        bytes(value.jsonBytes, type: type, status)
    }

    /// Returns a response with a body of a media type.
    package static func bytes(_ bytes: [UInt8], type: String, _ status: HTTPResponse.Status = .ok) -> Self {
        var reply = Self(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        reply.bytes = bytes
        return reply
    }

    /// Creates the response for an error (RFC 9457).
    package init(_ problem: Problem) {
        self = .json(
            problem.value, HTTPResponse.Status(code: problem.status, reasonPhrase: ""),
            type: "application/problem+json")
        if let seconds = problem.retryAfter { headers[.retryAfter] = String(seconds) }
        for (name, value) in problem.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        if problem.status == 401 { headers[.wwwAuthenticate] = "Bearer realm=\"pbt\"" }
    }

    package init(status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], body: ResponseBody = ResponseBody()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Returns the same response with one more header field.
    package func with(_ name: HTTPField.Name, _ value: String) -> Self {
        var reply = self
        reply.headers[name] = value
        return reply
    }
}
