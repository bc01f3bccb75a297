// SPDX-License-Identifier: Apache-2.0

public import PBT
package import PBTHTTP

/// The configuration of a server.
public struct ServerConfiguration: Sendable {
    /// The admission of callers.
    public enum Admission: Sendable {
        /// Every caller that reaches the address: for loopback, and where that is wanted.
        case open
        /// Callers with a token of this store.
        case tokens(any TokenStore)
    }

    /// A certificate chain and its private key, each a file in PEM form.
    public struct TLS: Sendable, Hashable {
        /// The file with the certificate chain, the server's own first.
        public var certificate: String
        /// The file with the private key.
        public var key: String

        /// A certificate chain and its private key.
        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// The address to listen on: a name, or an IPv4 or IPv6 address.
    public var host: String
    /// The port to listen on; 0 for any that is free.
    public var port: Int
    /// The admission of callers.
    public var admission: Admission
    /// The certificate; nil for plain HTTP.
    public var tls: TLS?
    /// The longest JSON body, in bytes.
    public var maximumBody: Int
    /// The requests a second that each caller may make; nil for no limit.
    public var rateLimit: Double?
    /// The most concurrent connections, at least 1; nil for as many as the limit on open files allows, at most 10,000.
    ///
    /// One more closes the connection that has been idle longest, or is refused.
    public var connections: Int?
    /// The backend of the server's metrics; a process that also makes it swift-metrics' own serves all its metrics.
    package var metrics = PrometheusMetrics.withHelps
    /// The timeouts of connections.
    package var limits = ConnectionLimits()
    /// The period of comments in a silent event stream.
    package var heartbeat: Duration = .seconds(15)
    /// The period in which one waiting claim is retried anyway: for changes by time alone.
    package var probe: Duration = .seconds(1)
    /// The number of intervals after which the server drains; nil for no limit.
    package var mostIntervals: Int?
    /// The time that holders of leases have to renew after the server started, even if their leases have expired.
    ///
    /// 60 s, the default term of a lease. Zero where no worker renews through this server.
    public var renewalGrace: Duration = .seconds(60)
    /// The version that the server reports.
    public var version: String
    /// The clock for the expiry of tokens.
    public var clock: StoreClock

    /// Creates a configuration; by default for loopback, without tokens.
    public init(
        host: String = "127.0.0.1", port: Int = 7070, admission: Admission = .open, tls: TLS? = nil,
        maximumBody: Int = 4 << 20, rateLimit: Double? = nil, connections: Int? = nil, version: String = "0",
        clock: StoreClock = .system
    ) {
        self.host = host
        self.port = port
        self.admission = admission
        self.tls = tls
        self.maximumBody = maximumBody
        self.rateLimit = rateLimit
        self.connections = connections
        self.version = version
        self.clock = clock
    }

    /// True if only this machine can reach the address.
    public var isLoopback: Bool { HTTPConfiguration.isLoopback(host) }

    /// The part of it that is about HTTP.
    package var http: HTTPConfiguration {
        HTTPConfiguration(
            host: host, port: port, tls: tls.map { ($0.certificate, $0.key) }, rateLimit: rateLimit,
            connections: connections, limits: limits)
    }
}
