// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTAPI
import PBTClient
import PBTTesting
import Testing

@testable import PBTServer

@Suite(.timeLimit(.minutes(10))) struct `Pages of large intervals` {
    @Test func `end by their size, and all of them are everything once`() async throws {
        let store = InMemoryStore()
        let experiment = Experiment(
            "large", objective: .maximize("score"), population: 24, intervals: 1, space: ["x": .uniform(0...1)])
        _ = try await store.create(experiment)
        let text = Value.string(String(repeating: "x", count: 400_000))
        while case .assignment(let next) = try await store.claim(from: "large", by: "w", for: .seconds(60)) {
            _ = try await store.finish(
                next.lease,
                .trained(
                    score: 1, metrics: ["score": 1, "text": text], checkpoint: next.lease.checkpointName.description))
        }
        try await withServer(store: store) { server in
            var (members, pages, after) = ([Int](), 0, "")
            repeat {
                let answer = try await server.ask(.GET, "/experiments/large/intervals?limit=1000\(after)").json
                let items = try #require(answer["items"]?.array)
                members += items.compactMap { $0["member"]?.int }
                pages += 1
                after = answer["next"]?.string.map { "&after=\($0)" } ?? ""
            } while !after.isEmpty
            #expect(members == Array(0..<24))
            #expect(pages > 1)
            let remote = try RemoteStore(ServerAddress(server.base))
            #expect(try await remote.intervals(of: "large").count == 24)
            var mirror = IntervalMirror()
            var reads = 0
            repeat {
                let changes = try await remote.changes(of: "large", since: mirror.cursor, limit: 1000)
                mirror.apply(changes)
                reads += 1
                guard changes.hasMore else { break }
            } while reads < 100
            #expect(mirror.intervals.count == 24)
        }
    }

    @Test func `a page of small intervals has as many as asked for`() async throws {
        let store = InMemoryStore()
        _ = try await store.create(
            Experiment("small", objective: .maximize("s"), population: 300, intervals: 1, space: ["x": .uniform(0...1)])
        )
        try await withServer(store: store) { server in
            let answer = try await server.ask(.GET, "/experiments/small/intervals?limit=250").json
            #expect(answer["items"]?.array?.count == 250)
            let changes = try await server.ask(.GET, "/experiments/small/changes?limit=250").json
            #expect(changes["items"]?.array?.count == 250)
            #expect(changes["more"] == true)
        }
    }
}
