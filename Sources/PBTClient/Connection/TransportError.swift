// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOPosix

/// Descriptions of transport errors: requests without a response.
package enum TransportError {
    /// Returns the reason of an error for messages: "connection refused".
    ///
    /// - Parameter cause: The error of the HTTP client.
    /// - Returns: A clause without a period.
    package static func reason(_ cause: any Error) -> String {
        switch cause {
        case let error as HTTPClientError where error == .connectTimeout: return "connection timed out"
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return "the response timed out"
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return "the server closed the connection"
        case let error as NIOConnectionError:
            let isUnknown = error.dnsAError != nil || error.dnsAAAAError != nil
            if isUnknown, error.connectionErrors.isEmpty { return "unknown host" }
            return error.connectionErrors.first.map { reason($0.error) } ?? "no connection"
        case let error as IOError:
            return error.errnoCode == 111 || error.errnoCode == 61 ? "connection refused" : error.description
        case let error as HTTPClientError: return error.shortDescription
        default: return "\(cause)"
        }
    }
}
