// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import NIOCore
import NIOPosix
import NIOSSL
import PBT
package import ServiceLifecycle

/// Listens on an address and gives each request to the first mount that has a route for it.
package struct HTTPServer: Sendable {
    private let context: HTTPContext
    private let mounts: [any Mount]

    /// Creates a server; ``run(with:onShutdown:onReady:)`` listens.
    ///
    /// - Parameters:
    ///   - context: The state that routes share.
    ///   - mounts: The mounts, in the order in which a request is offered to them.
    package init(_ context: HTTPContext, mounts: [any Mount]) {
        self.context = context
        self.mounts = mounts
    }

    /// Serves until the service is shut down or the task is cancelled.
    ///
    /// - Parameters:
    ///   - services: Services that run for as long as it serves.
    ///   - onShutdown: Called when a graceful shutdown begins, before open requests are waited for.
    ///   - onReady: Called when it listens, with the port.
    /// - Throws: A `PBTError` with code `inputOutput` when the address cannot be listened on, or `badValue` for a
    ///   certificate that cannot be used or a number of connections that open files do not suffice for.
    package func run(
        with services: [any Service], onShutdown: @escaping @Sendable () -> Void,
        onReady: @escaping @Sendable (_ port: Int) async -> Void
    ) async throws {
        let configuration = context.configuration
        // Before files are counted: each of its threads has some.
        let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
        context.connections.limit(to: try connections())
        let application = Application(
            responder: Dispatcher(context: context, mounts: mounts), server: try builder(),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "pbt", backlog: 1024,
                availableConnectionsDelegate: context.connections),
            services: services, onServerRunning: { channel in await onReady(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .shared(group), logger: context.logger)
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: {
                onShutdown()
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

    /// Returns the most connections that there may be.
    ///
    /// - Throws: A `PBTError` with code `badValue` when the limit on open files does not allow that many.
    private func connections() throws -> Int {
        let (limit, used) = (OpenFiles.limit, OpenFiles.count())
        let most = try OpenFiles.connections(limit: limit, used: used)
        guard let wanted = context.configuration.connections, wanted > most else {
            return max(1, context.configuration.connections ?? most)
        }
        throw PBTError(
            .badValue,
            "\(wanted) connections need more open files than the limit of \(limit), which is enough for \(most); raise it, "
                + "for example with: ulimit -n \(2 * wanted + used + OpenFiles.reserve)")
    }

    private func builder() throws -> HTTPServerBuilder {
        let configuration = context.configuration
        let http = HTTPServerBuilder { [table = context.connections] responder in
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
