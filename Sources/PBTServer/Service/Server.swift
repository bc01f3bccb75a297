// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
import NIOCore
import NIOPosix
import NIOSSL
public import PBT
public import PBTCheckpoints
public import ServiceLifecycle

/// Serves a store over HTTP.
///
/// A graceful shutdown answers what is being asked, lets those go who wait, and keeps every lease: workers go on
/// training, and find the same store behind the next server.
public struct Server: Service {
    private let site: Site
    private let logger: Logger
    private let schedy: SchedyMount?
    private let dashboard: Dashboard?
    private let onReady: @Sendable (_ port: Int) async -> Void

    /// A server.
    ///
    /// - Parameters:
    ///   - store: What it serves.
    ///   - data: Where the store's checkpoints are; none: no checkpoint can be had through the server.
    ///   - configuration: Where and to whom.
    ///   - logger: Where it logs; nowhere when not given. Never a token.
    ///   - onReady: Called when it listens, with the port.
    public init(
        store: any Store, data: DataDirectory?, configuration: ServerConfiguration, logger: Logger? = nil,
        onReady: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.init(
            store: store, data: data, configuration: configuration, logger: logger, schedy: nil, onReady: onReady)
    }

    /// A server that also offers Schedy's protocol.
    package init(
        store: any Store, data: DataDirectory?, configuration: ServerConfiguration, logger: Logger?,
        schedy: SchedyMount?, onReady: @escaping @Sendable (_ port: Int) async -> Void
    ) {
        self.schedy = schedy
        let logger = logger ?? Logger(label: "pbt.server") { _ in SwiftLogNoOpLogHandler() }
        site = Site(store: store, data: data, configuration: configuration, logger: logger)
        dashboard = configuration.dashboard.map { [site] in Dashboard(site: site, settings: $0) }
        self.logger = logger
        self.onReady = onReady
    }

    /// Serves until the service is shut down or the task cancelled.
    ///
    /// - Throws: A `PBTError` with code `inputOutput` when the address cannot be listened on, or `badValue` for a
    ///   certificate that cannot be used; what the store throws.
    public func run() async throws {
        let configuration = site.configuration
        if configuration.renewalGrace > .zero, let store = site.store as? any TransactionalStore {
            // Leases may have run out while no server was there to renew them.
            try await store.extendLeases(for: configuration.renewalGrace)
        }
        var services: [any Service] = [site.claims, site.feed]
        if let checkpoints = site.checkpoints {
            services.append(GarbageSweep(exchange: checkpoints, logger: logger))
        }
        // Before files are counted: each of its threads has some.
        let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
        site.connections.limit(to: try Self.connections(configuration))
        let application = Application(
            responder: Dispatcher(
                site: site, table: RouteTable(Endpoints.all), schedy: schedy, dashboard: dashboard),
            server: try Self.builder(configuration, site.connections),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "pbt", backlog: 1024,
                availableConnectionsDelegate: site.connections),
            services: services,
            onServerRunning: { [onReady] channel in await onReady(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .shared(group), logger: logger)
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: { [site] in
                site.feed.close()
            }
        } catch let error
            where error is IOError || error is SocketAddressError || error is SocketAddressError.UnknownHost
        {
            throw PBTError(
                .inputOutput,
                "cannot listen on \(configuration.host):\(configuration.port): \(error); is another server "
                    + "running there? Choose another port with --port")
        }
    }

    /// Hands out nothing more: whoever asks is told that the server is `stopping`, and finishes what it has.
    public func drain() {
        site.drain()
    }

    /// Tells the pages that are open that this server goes for good, and waits until they show how it all ended.
    ///
    /// To be called before a shutdown that no other server follows on; whoever asks meanwhile is answered.
    ///
    /// - Parameter time: How long to wait at most for pages that do not let go.
    package func bidFarewell(within time: Duration) async {
        await dashboard?.bidFarewell(within: time)
    }

    /// How many connections there may be.
    ///
    /// - Throws: A `PBTError` with code `badValue` when the limit on open files does not allow that many.
    private static func connections(_ configuration: ServerConfiguration) throws -> Int {
        let (limit, used) = (OpenFiles.limit, OpenFiles.count())
        let most = try OpenFiles.connections(limit: limit, used: used)
        guard let wanted = configuration.connections, wanted > most else {
            return max(1, configuration.connections ?? most)
        }
        throw PBTError(
            .badValue,
            "\(wanted) connections need more open files than the limit of \(limit), which is enough for \(most); raise it, "
                + "for example with: ulimit -n \(2 * wanted + used + OpenFiles.reserve)")
    }

    private static func builder(
        _ configuration: ServerConfiguration, _ table: ConnectionTable
    ) throws -> HTTPServerBuilder {
        let http = HTTPServerBuilder { responder in
            ConnectionChannel(
                responder: responder, limits: configuration.limits, table: table, isSecure: configuration.tls != nil)
        }
        guard let tls = configuration.tls else { return http }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(tls.certificate).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: tls.key, format: .pem)
            let settings = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(key))
            // Now, rather than when the first client comes: whether the key is the certificate's.
            _ = try NIOSSLContext(configuration: settings)
            return try .tls(http, tlsConfiguration: settings)
        } catch {
            throw PBTError(
                .badValue,
                "the certificate \(tls.certificate) with the key \(tls.key) cannot be used (\(error)); both must be PEM files that can be read"
            )
        }
    }
}
