// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Logging
import PBT
import PBTCheckpoints
import PBTDashboard
import PBTReport
import PBTServer
import ServiceLifecycle

/// The dashboard of a run: on this machine only, for as long as the run lasts.
enum RunDashboard {
    /// Runs the body, and serves the dashboard of the store meanwhile.
    ///
    /// - Parameters:
    ///   - opened: The store.
    ///   - experiment: The experiment whose page is named on standard error.
    ///   - port: The port; nil for no dashboard.
    ///   - body: The run.
    /// - Throws: The error of `body`, or a `PBTError` when the port is in use, before anything is trained.
    static func serve(
        _ opened: OpenStore, experiment: String, port: Int?, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        guard let port else { return try await body() }
        if opened.isRemote {
            Output.note("the store is behind a server, which has a dashboard of its own: \(opened.location)")
            return try await body()
        }
        var pages = DashboardConfiguration()
        pages.afterwards = Shell.command(["pbt", "serve", "--store", opened.location.description])
        pages.store = opened.location.description
        var configuration = ServerConfiguration(port: port, version: Version.current)
        configuration.renewalGrace = .zero
        // The metrics of this process' workers are served with the server's.
        MetricsSystem.bootstrap(configuration.metrics)
        let (ports, ready) = AsyncStream<Int>.makeStream()
        let server = Server(
            store: opened.store, data: opened.data, configuration: configuration,
            logger: quiet, extensions: [.dashboard(pages)], onReady: { ready.yield($0) })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [.init(service: server)], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { ready.finish() }
                try await group.run()
            }
            guard let port = await ports.first(where: { _ in true }) else {
                // It never listened; this throws the reason.
                try await tasks.waitForAll()
                return
            }
            Output.note("dashboard http://127.0.0.1:\(port)\(DashboardConfiguration.path(of: experiment))")
            let outcome: Result<Void, any Error>
            do {
                try await body()
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await server.announceShutdown(within: .seconds(3))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    private static let quiet = Logger(label: "pbt.dashboard") { _ in SwiftLogNoOpLogHandler() }
}
