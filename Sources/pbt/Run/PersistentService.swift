// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTCheckpoints
import PBTHTTP
import PBTServer
import PBTWorker
import ServiceLifecycle

/// Serves a store on loopback to persistent trainers, and keeps those trainers running.
struct PersistentService: Service {
    let opened: OpenStore
    let experiments: [String]
    let slots: Int
    let devices: DeviceAssignment
    let logger: Logger

    /// The server outlives a graceful shutdown: the trainers still report the intervals that they finish.
    func run() async throws {
        let data = try opened.directory(for: "a persistent trainer")
        try await Self.serve(opened.store, data, most: nil, logger: logger) { server, drain in
            try await PersistentWorker(
                store: opened.store, data: data, experiments: experiments, slots: slots, server: server,
                devices: devices,
                logger: logger, drain: drain
            ).run()
        }
    }

    /// Serves a store on loopback while the body runs, to clients with the token.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - data: Its data directory.
    ///   - most: The number of intervals that are handed out; nil for no limit.
    ///   - logger: The server's logger; nil for none.
    ///   - body: Called once the server listens, with its address, and a function that stops it from handing out work.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body, or the reason why the server could not listen.
    static func serve<Result: Sendable>(
        _ store: any Store, _ data: DataDirectory, most: Int?, logger: Logger? = nil,
        _ body: @escaping @Sendable (PersistentWorker.Server, @escaping @Sendable () -> Void) async throws -> Result
    ) async throws -> Result {
        let (token, record) = try Token.make(named: "run", scope: .work, now: StoreClock.system.now())
        let (ports, ready) = AsyncStream<Int>.makeStream()
        var configuration = ServerConfiguration(
            port: 0, admission: .tokens(InMemoryTokens([record])), version: Version.current)
        configuration.mostIntervals = most
        configuration.renewalGrace = .zero
        let server = Server(
            store: store, data: data, configuration: configuration, logger: logger, onReady: { ready.yield($0) })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [.init(service: server)], logger: quiet))
        // Detached, since a graceful shutdown of this service must not reach the server.
        let serving = Task.detached {
            defer { ready.finish() }
            try await group.run()
        }
        var worked: Swift.Result<Result, any Error>?
        // Yields once, as soon as the server listens; never when it cannot.
        for await port in ports {
            do {
                worked = .success(
                    try await body(.init(url: "http://127.0.0.1:\(port)", token: token.text), { server.drain() }))
            } catch {
                worked = .failure(error)
            }
            break
        }
        await group.triggerGracefulShutdown()
        try await serving.value
        guard let worked else { throw CancellationError() }
        return try worked.get()
    }

    private static let quiet = Logger(label: "pbt.services") { _ in SwiftLogNoOpLogHandler() }
}
