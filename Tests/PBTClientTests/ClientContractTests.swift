// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTClient
import PBTSQLite
import PBTTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A store behind a server` {
    @Test(arguments: StoreContract.cases)
    func `in memory keeps the contract`(_ rule: StoreContract.Case) async throws {
        try await check(rule) { clock, strategies in InMemoryStore(clock: clock, strategies: strategies) }
    }

    @Test(arguments: StoreContract.cases)
    func `in a file keeps the contract`(_ rule: StoreContract.Case) async throws {
        try await withTemporaryDirectory { directory in
            try await check(rule) { clock, strategies in
                try SQLiteStore(path: "\(directory)/pbt.sqlite", clock: clock, strategies: strategies)
            }
        }
    }

    /// Runs a case: the first handle that it opens starts the server, and each is a client of its own.
    private func check(
        _ rule: StoreContract.Case, _ make: @escaping @Sendable (StoreClock, Strategies) throws -> any Store
    ) async throws {
        try await withServers { servers in
            let lone = LoneServer(servers: servers)
            try await rule.check { clock, strategies in
                try RemoteStore(try await lone.address { try make(clock, strategies) })
            }
        }
    }
}

/// One server, started when it is first asked for.
private actor LoneServer {
    private let servers: Servers
    private var server: RunningServer?

    init(servers: Servers) {
        self.servers = servers
    }

    func address(_ make: @Sendable () throws -> any Store) async throws -> ServerAddress {
        if let server { return server.address }
        let started = try await servers.start(make())
        server = started
        return started.address
    }
}
