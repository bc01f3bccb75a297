// SPDX-License-Identifier: Apache-2.0

public import Logging
public import PBT
public import PBTCheckpoints
package import PBTHTTP
public import ServiceLifecycle

/// Serves a store over HTTP.
///
/// A graceful shutdown completes the requests that are open, ends long polls and streams, and keeps every lease: workers
/// train on, and find the same store behind the next server.
public struct Server: Service {
    private let context: ServerContext
    private let mounts: [any Mount]
    private let onReady: @Sendable (_ port: Int) async -> Void

    /// Creates a server.
    ///
    /// - Parameters:
    ///   - store: The store that it serves.
    ///   - data: The directory of the store's checkpoints; nil for a server without checkpoints.
    ///   - configuration: Its address, admission and limits.
    ///   - logger: The logger, which never gets a token; nil for no log.
    ///   - extensions: Mounts other than the API, such as ``ServerExtension/dashboard(_:)``; a request that is not for
    ///     the API is offered to them in order.
    ///   - onReady: Called when it listens, with the port.
    public init(
        store: any Store, data: DataDirectory?, configuration: ServerConfiguration, logger: Logger? = nil,
        extensions: [ServerExtension] = [], onReady: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        let logger = logger ?? Logger(label: "pbt.server") { _ in SwiftLogNoOpLogHandler() }
        let context = ServerContext(store: store, data: data, configuration: configuration, logger: logger)
        self.context = context
        mounts = [APIMount(context)] + extensions.map { $0.mount(context) }
        self.onReady = onReady
    }

    /// Serves until the service is shut down or the task cancelled.
    ///
    /// - Throws: A `PBTError` with code `inputOutput` when the address cannot be listened on, or `badValue` for a
    ///   certificate that cannot be used; what the store throws.
    public func run() async throws {
        let grace = context.configuration.renewalGrace
        if grace > .zero, let store = context.store as? any TransactionalStore {
            // Leases may have run out while no server was there to renew them.
            try await store.extendLeases(for: grace)
        }
        var services: [any Service] = [context.claims, context.feed]
        if let checkpoints = context.checkpoints {
            services.append(GarbageSweep(exchange: checkpoints, logger: context.logger))
        }
        let feed = context.feed
        try await HTTPServer(context.http, mounts: mounts).run(with: services, onShutdown: feed.close, onReady: onReady)
    }

    /// Hands out no more intervals: claims get the state `stopping`, and workers finish what they have.
    public func drain() {
        context.drain()
    }

    /// Tells open pages that this server shuts down for good, and waits until they show the final state.
    ///
    /// To be called before a shutdown that no other server follows; requests are answered meanwhile.
    ///
    /// - Parameter time: The longest wait for pages that do not let go.
    package func announceShutdown(within time: Duration) async {
        for mount in mounts { await mount.announceShutdown(within: time) }
    }
}

/// Something that a server offers next to its API: a dashboard, another protocol.
public struct ServerExtension: Sendable {
    package let mount: @Sendable (ServerContext) -> any Mount

    /// Creates an extension from a function that makes its mount.
    package init(_ mount: @escaping @Sendable (ServerContext) -> any Mount) {
        self.mount = mount
    }
}
