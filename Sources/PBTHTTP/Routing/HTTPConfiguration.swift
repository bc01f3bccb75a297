// SPDX-License-Identifier: Apache-2.0

/// The address of a server, and how it treats connections.
package struct HTTPConfiguration: Sendable {
    /// The address to listen on: a name, or an IPv4 or IPv6 address.
    package var host: String
    /// The port to listen on; 0 for any that is free.
    package var port: Int
    /// The files of a certificate chain and its private key, in PEM form; nil for plain HTTP.
    package var tls: (certificate: String, key: String)?
    /// The requests a second that each caller may make; nil for no limit.
    package var rateLimit: Double?
    /// The most connections, at least 1; nil for as many as the limit on open files allows, at most 10,000.
    package var connections: Int?
    /// The time that it waits for the other end of a connection.
    package var limits: ConnectionLimits

    /// Creates a configuration.
    package init(
        host: String, port: Int, tls: (certificate: String, key: String)?, rateLimit: Double?, connections: Int?,
        limits: ConnectionLimits
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.rateLimit = rateLimit
        self.connections = connections
        self.limits = limits
    }

    /// True if only this machine can reach the address.
    package var isLoopback: Bool { Self.isLoopback(host) }

    /// Returns true if a name or an address is of the loopback interface.
    package static func isLoopback(_ host: String) -> Bool {
        let name = host.lowercased()
        return name == "localhost" || name.hasSuffix(".localhost") || name == "::1" || name == "[::1]"
            || (name.hasPrefix("127.") && name.allSatisfy { $0.isNumber || $0 == "." })
    }
}
