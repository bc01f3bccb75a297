// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTServer
import PBTWorker
import ServiceLifecycle

/// Serves a store on loopback to programs that stay alive over intervals, and keeps those programs running.
struct PersistentService: Service {
    let opened: OpenStore
    let experiments: [String]
    let slots: Int
    let logger: Logger

    /// The server outlives a graceful shutdown: the programs have yet to report what they finish then.
    func run() async throws {
        let data = try opened.directory(for: "a trainer that stays alive")
        let (token, record) = try Token.make(named: "run", scope: .work, now: StoreClock.system.now())
        let (ports, ready) = AsyncStream<Int>.makeStream()
        let server = Server(
            store: opened.store, data: data,
            configuration: ServerConfiguration(
                port: 0, admission: .tokens(InMemoryTokens([record])), version: Pbt.version),
            logger: logger, onReady: { ready.yield($0) })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [.init(service: server)], logger: Self.quiet))
        // Detached, since a graceful shutdown of this service must not reach the server.
        let serving = Task.detached {
            defer { ready.finish() }
            try await group.run()
        }
        let worked: Result<Void, any Error>
        do {
            try await work(ports, server, data, token)
            worked = .success(())
        } catch {
            worked = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await serving.value
        try worked.get()
    }

    /// Keeps the programs running as soon as the server listens; does nothing when it never does.
    private func work(_ ports: AsyncStream<Int>, _ server: Server, _ data: DataDirectory, _ token: Token) async throws {
        for await port in ports {
            return try await PersistentWorker(
                store: opened.store, data: data, experiments: experiments, slots: slots,
                server: .init(url: "http://127.0.0.1:\(port)", token: token.text), logger: logger,
                drain: { server.drain() }
            ).run()
        }
    }

    private static let quiet = Logger(label: "pbt.services") { _ in SwiftLogNoOpLogHandler() }
}
