// SPDX-License-Identifier: Apache-2.0

public import PBT
package import PBTHTTP

/// How a server behaves.
public struct ServerConfiguration: Sendable {
    /// Who may ask.
    public enum Admission: Sendable {
        /// Everyone who reaches the address. For loopback, and for those who say that they want it.
        case open
        /// Those who hold a token that is kept here.
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
    /// The port to listen on; 0: any that is free.
    public var port: Int
    /// Who may ask.
    public var admission: Admission
    /// The certificate; none: plain HTTP.
    public var tls: TLS?
    /// How many bytes a JSON body may have.
    public var maximumBody: Int
    /// How many requests a second each caller may make; none: any number.
    public var rateLimit: Double?
    /// How many connections there may be at once, at least 1; none: as many as the limit on open files allows, at most
    /// 10,000.
    ///
    /// One more closes the connection that has waited longest for a request, or is refused.
    public var connections: Int?
    /// How long it waits for the other end of a connection.
    package var limits = ConnectionLimits()
    /// After how long a silent event stream gets a comment.
    package var heartbeat: Duration = .seconds(15)
    /// How often one of those who wait for a claim looks anyway: for what time alone changes.
    package var probe: Duration = .seconds(1)
    /// How many intervals are handed out, after which the server drains; none: no limit.
    package var mostIntervals: Int?
    /// How long holders of leases have to renew after the server started, whatever their leases say.
    ///
    /// 60 s, the default term of a lease. Zero where no worker renews through this server.
    public var renewalGrace: Duration = .seconds(60)
    /// The version that the server says it has.
    public var version: String
    /// The time it goes by; for tokens.
    public var clock: StoreClock

    /// How a server behaves.
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

    /// Whether only this machine reaches the address.
    public var isLoopback: Bool { HTTPConfiguration.isLoopback(host) }

    /// The part of it that is about HTTP.
    package var http: HTTPConfiguration {
        HTTPConfiguration(
            host: host, port: port, tls: tls.map { ($0.certificate, $0.key) }, rateLimit: rateLimit,
            connections: connections, limits: limits)
    }
}
