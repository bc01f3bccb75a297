// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTCheckpoints
package import PBTClient
import PBTServer

/// A server in this process.
package struct RunningServer: Sendable {
    package let address: ServerAddress
    package let port: Int
    fileprivate let task: Task<Void, any Error>

    /// Ends it as a kill would: what is being asked is not answered.
    package func kill() async throws {
        task.cancel()
        do { try await task.value } catch is CancellationError {}
    }
}

/// Servers that a test starts and ends.
package actor Servers {
    private var running: [RunningServer] = []

    /// Serves a store on this machine.
    ///
    /// - Parameters:
    ///   - store: What is served.
    ///   - data: Where its checkpoints are.
    ///   - port: Where; any that is free when it is 0.
    /// - Returns: The server, which listens.
    /// - Throws: What the server throws that does not come up.
    package func start(_ store: any Store, data: DataDirectory? = nil, port: Int = 0) async throws -> RunningServer {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let server = Server(store: store, data: data, configuration: ServerConfiguration(port: port)) { port in
            continuation.yield(port)
            continuation.finish()
        }
        let task = Task {
            defer { continuation.finish() }
            try await server.run()
        }
        for await port in ports {
            let started = RunningServer(
                address: try ServerAddress("http://127.0.0.1:\(port)"), port: port, task: task)
            running.append(started)
            return started
        }
        try await task.value
        throw PBTError(.unreachable, "the server ended before it listened")
    }

    /// Kills all that run.
    package func killAll() async throws {
        let servers = running
        running = []
        for server in servers { try await server.kill() }
    }
}

/// Gives a body servers, and ends those that are left when it is over.
package func withServers<Result>(_ body: (Servers) async throws -> Result) async throws -> Result {
    let servers = Servers()
    let result: Result
    do {
        result = try await body(servers)
    } catch {
        try await servers.killAll()
        throw error
    }
    try await servers.killAll()
    return result
}
