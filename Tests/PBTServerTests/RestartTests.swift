// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTSQLite
import PBTTesting
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct RestartTests {
    @Test func `a lease outlives the server, and the worker finishes with the next one`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            let key = "0123456789abcdefghijklmn"
            let claim: Value = ["worker": "w", "key": .string(key), "term": 3600]
            let lease = try await withServer(store: try SQLiteStore(path: path)) { server in
                try await server.create(population: 1)
                let answer = try await server.ask(.POST, "/experiments/toy/claims", claim).json
                return try #require(answer["assignments"]?.array?.first?["lease"])
            }
            try await withServer(store: try SQLiteStore(path: path)) { server in
                let interval = try await server.ask(.GET, "/experiments/toy/intervals/0/0").json
                #expect(interval["state"] == "running")
                #expect(interval["attempts"] == 1)
                #expect(interval["failures"] == 0)
                // Who did not hear the answer asks again with the same key.
                let again = try await server.ask(.POST, "/experiments/toy/claims", claim).json
                #expect(again["assignments"]?.array?.first?["lease"]?["token"] == lease["token"])
                let renewed = try await server.ask(.POST, server.path(lease, "renew"), ["lease": lease])
                #expect(renewed.status == 200)
                let finished = try await server.finish(lease)
                #expect(try finished.json["interval"]?["state"] == "done")
            }
        }
    }

    @Test func `leases that ran out while no server was there end when nobody renews them for a minute`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            let clock = ManualClock()
            let leases = try await withServer(store: try SQLiteStore(path: path, clock: clock.store)) { server in
                try await server.create(population: 2)
                return [try await server.lease(), try await server.lease()]
            }
            clock.advance(by: .seconds(3600))
            try await withServer(store: try SQLiteStore(path: path, clock: clock.store)) { server in
                func claimed() async throws -> [Value] {
                    let answer = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "other"]).json
                    return try #require(answer["assignments"]?.array)
                }
                #expect(try await claimed().isEmpty)
                clock.advance(by: .seconds(50))
                #expect(try await claimed().isEmpty)
                let renewed = try await server.ask(.POST, server.path(leases[0], "renew"), ["lease": leases[0]])
                #expect(renewed.status == 200)
                clock.advance(by: .seconds(11))
                let taken = try await claimed()
                #expect(taken.count == 1)
                #expect(taken.first?["lease"]?["member"] == leases[1]["member"])
                #expect(try await server.finish(leases[0]).json["interval"]?["failures"] == 0)
            }
        }
    }

    @Test func `a token that another process revokes is refused by the server that runs`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            let (served, other) = (try SQLiteStore(path: path), try SQLiteStore(path: path))
            let (token, record) = try Token.make(named: "laptop", scope: .read, now: StoreClock.system.now())
            try await withServer(store: served, configuration: .init(admission: .tokens(served))) { server in
                #expect(try await server.ask(.GET, "/api/v1", token: token.text).status == 401)
                try await other.add(record)
                #expect(try await server.ask(.GET, "/api/v1", token: token.text).status == 200)
                try await other.removeToken(named: "laptop")
                #expect(try await server.ask(.GET, "/api/v1", token: token.text).status == 401)
            }
        }
    }

    @Test func `a claim that waits hears of what another process did to the file`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            let other = try SQLiteStore(path: path)
            try await withServer(store: try SQLiteStore(path: path)) { server in
                try await server.create(population: 1)
                let lease = try await server.lease()
                async let waiting = server.ask(.POST, "/experiments/toy/claims", ["worker": "v", "wait": 60])
                while try await !server.ask(.GET, "/metrics").text.contains("pbt_claims_waiting 1\n") {
                    await Task.yield()
                }
                let held = Lease(
                    experiment: "toy", interval: IntervalID(member: 0, index: 0), attempt: 1,
                    token: lease["token"]?.string ?? "", worker: "w", expires: StoreClock.system.now())
                try await other.release(held, because: "handed over")
                #expect(try await waiting.json["assignments"]?.array?.count == 1)
            }
        }
    }
}
