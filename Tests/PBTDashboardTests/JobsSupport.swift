// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Logging
import PBT
import PBTSchedy
import PBTTesting
import Synchronization

@testable import PBTDashboard
@testable import PBTServer

/// A server with an experiment of Schedy's client, and its dashboard.
struct JobsPlace {
    let server: TestServer
    let schedy: Schedy<InMemoryStore>

    /// Serves pages over a store of Schedy's experiments while the body runs.
    static func with(
        control: Bool = false, logger: Logger? = nil, _ body: @Sendable (JobsPlace) async throws -> Void
    ) async throws {
        let store = InMemoryStore()
        let random = Mutex(Xoshiro256(seed: 5))
        let schedy = Schedy(store, settings: SchedySettings(random: { random.withLock { $0.next() } }))
        var dashboard = DashboardConfiguration(allowsControl: control)
        dashboard.rest = 0
        let pages = ServerExtension.dashboard(dashboard) { job, experiment in
            try await schedy.delete(job, of: experiment, if: .none)
        }
        try await withServer(
            store: store, configuration: ServerConfiguration(version: "9.9"), logger: logger, extensions: [pages],
            client: still
        ) { try await body(JobsPlace(server: $0, schedy: schedy)) }
    }

    /// Creates a manual experiment.
    func createManual(_ name: String = "sweep") async throws {
        _ = try await schedy.put(name, ["scheduler": ["Manual": .null]], mustBeNew: true)
    }

    /// Adds a job under an id.
    func add(
        _ id: String, _ status: SchedyJob.Status, _ results: [String: Value] = [:], lr: Double = 0.1,
        to name: String = "sweep"
    ) async throws {
        var body: [String: Value] = ["status": .string(status.rawValue), "hyperparameters": ["lr": .number(lr)]]
        body["results"] = .object(results)
        _ = try await schedy.put(id, of: name, SchedyJobContent(.object(body)), if: .none)
    }

    /// Returns a page.
    func page(_ path: String) async throws -> PageText {
        PageText(try await server.visit(path))
    }
}
