// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOPosix

/// Why a request got no answer at all.
package enum TransportError {
    /// The reason in words, as a clause: "connection refused".
    ///
    /// - Parameter cause: What the HTTP client threw.
    /// - Returns: A clause without a full stop.
    package static func reason(_ cause: any Error) -> String {
        switch cause {
        case let error as HTTPClientError where error == .connectTimeout: return "it does not answer"
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return "it took too long to answer"
        case let error as HTTPClientError where error == .remoteConnectionClosed: return "it closed the connection"
        case let error as NIOConnectionError:
            if let dns = error.dnsAError ?? error.dnsAAAAError, error.connectionErrors.isEmpty {
                return "its name is not known (\(dns))"
            }
            return error.connectionErrors.first.map { reason($0.error) } ?? "no connection"
        case let error as IOError:
            return error.errnoCode == 111 || error.errnoCode == 61 ? "connection refused" : error.description
        case let error as HTTPClientError: return error.shortDescription
        default: return "\(cause)"
        }
    }
}
