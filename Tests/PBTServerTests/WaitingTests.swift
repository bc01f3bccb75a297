// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Logging
import PBT
import Testing

@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct WaitingTests {
    /// Waits until so many claims wait, as the server's own metrics tell.
    private func untilClaimsWait(_ count: Int, _ server: TestServer) async throws {
        while try await !server.ask(.GET, "/metrics").text.contains("pbt_claims_waiting \(count)\n") {
            await Task.yield()
        }
    }

    @Test func `a claim that waits is answered when work appears`() async throws {
        try await withServer { server in
            try await server.create(population: 1)
            let lease = try await server.lease()
            async let waiting = server.ask(.POST, "/experiments/toy/claims", ["worker": "v", "wait": 60])
            try await untilClaimsWait(1, server)
            try await server.finish(lease)
            let answer = try await waiting.json
            #expect(answer["assignments"]?.array?.first?["lease"]?["interval"] == 1)
            #expect(answer["assignments"]?.array?.first?["lease"]?["worker"] == "v")
        }
    }

    @Test func `a claim that waits is answered when the experiment ends or goes away`() async throws {
        try await withServer { server in
            for (name, end) in [("stopped", "stop"), ("removed", "remove")] {
                try await server.create(name, population: 1)
                let lease = try await server.lease(name)
                async let waiting = server.ask(.POST, "/experiments/\(name)/claims", ["worker": "v", "wait": 60])
                try await untilClaimsWait(1, server)
                if end == "stop" {
                    try await server.store.stop(name, because: "enough")
                    #expect(try await waiting.json["state"] == "finished")
                } else {
                    _ = try await server.ask(.POST, server.path(lease, "release"), ["lease": lease])
                    let answer = try await waiting.json
                    #expect(answer["assignments"]?.array?.count == 1)
                }
            }
        }
    }

    @Test func `a claim that waits in vain is answered when its time is over`() async throws {
        try await withServer { server in
            try await server.create(population: 1)
            _ = try await server.lease()
            let answer = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "v", "wait": 0.05]).json
            #expect(answer["assignments"] == [])
            #expect(answer["state"] == "running")
        }
    }

    @Test func `claims that wait are served in the order in which they came`() async throws {
        // Nobody looks in between, who could be looking just when there is something, and be overtaken.
        var configuration = ServerConfiguration()
        configuration.probe = .seconds(3600)
        try await withServer(configuration: configuration) { server in
            try await server.create(population: 3, decides: .early)
            var leases: [Value] = []
            for _ in 0..<3 { leases.append(try await server.lease()) }
            try await withThrowingTaskGroup(of: (String, Value?).self) { group in
                for (i, worker) in ["first", "second", "third"].enumerated() {
                    group.addTask {
                        let body: Value = ["worker": .string(worker), "wait": 60]
                        let answer = try await server.ask(.POST, "/experiments/toy/claims", body).json
                        return (worker, answer["assignments"]?.array?.first?["lease"])
                    }
                    try await untilClaimsWait(i + 1, server)
                }
                for (i, worker) in ["first", "second", "third"].enumerated() {
                    try await server.finish(leases[i], score: 0.5)
                    let served = try await #require(group.next())
                    #expect(served.0 == worker)
                    #expect(served.1?["member"]?.int == i)
                }
            }
        }
    }

    @Test func `claims that wait for a generation are all served by the finish that closes it`() async throws {
        var configuration = ServerConfiguration()
        configuration.probe = .seconds(3600)
        try await withServer(configuration: configuration) { server in
            try await server.create(population: 3)
            var leases: [Value] = []
            for _ in 0..<3 { leases.append(try await server.lease()) }
            try await withThrowingTaskGroup(of: Value?.self) { group in
                for i in 0..<3 {
                    group.addTask {
                        let body: Value = ["worker": .string("w\(i)"), "wait": 60]
                        let answer = try await server.ask(.POST, "/experiments/toy/claims", body).json
                        return answer["assignments"]?.array?.first?["lease"]
                    }
                }
                try await untilClaimsWait(3, server)
                for (i, lease) in leases.enumerated() { try await server.finish(lease, score: .number(Double(i))) }
                var members: Set<Int> = []
                for try await lease in group { members.insert(try #require(lease?["member"]?.int)) }
                #expect(members == [0, 1, 2])
            }
        }
    }

    @Test func `whoever looked in vain keeps the place in the queue`() async throws {
        let store = InMemoryStore()
        let queue = ClaimQueue(store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        _ = try await store.create(.sample())
        let end = ContinuousClock.now.advanced(by: .seconds(600))
        let (order, served) = AsyncStream.makeStream(of: String.self)
        await withThrowingTaskGroup(of: Void.self) { group in
            let early = queue.ticket(for: "toy")
            let late = queue.ticket(for: "toy")
            group.addTask {
                if try await queue.wait(for: "toy", with: late, until: end) { served.yield("late") }
            }
            while queue.count < 1 { await Task.yield() }
            group.addTask {
                let kept = queue.ticket(for: "toy", keeping: early)
                if try await queue.wait(for: "toy", with: kept, until: end) { served.yield("early") }
            }
            while queue.count < 2 { await Task.yield() }
            group.addTask { try await queue.run() }
            // Nothing happens in the store: the looks from time to time wake them, one after the other.
            var names = order.makeAsyncIterator()
            #expect(await names.next() == "early")
            #expect(await names.next() == "late")
            group.cancelAll()
        }
    }

    @Test func `what came between a look in vain and the wait is not missed`() async throws {
        let store = InMemoryStore()
        let queue = ClaimQueue(store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await queue.run() }
            let ticket = queue.ticket(for: "toy")
            let first = queue.ticket(for: "toy")
            // Created again and again, since nobody knows from when on the queue follows the store.
            var number = 0
            while !queue.hasNews(since: first, of: "toy") {
                _ = try await store.create(.sample("toy"))
                try await store.remove("toy")
                number += 1
                await Task.yield()
            }
            let end = ContinuousClock.now.advanced(by: .seconds(600))
            #expect(try await queue.wait(for: "toy", with: ticket, until: end))
            group.cancelAll()
        }
    }

    @Test func `no claim is made for a client that hung up`() async throws {
        let log = LogCapture()
        try await withServer(logger: log.logger) { server in
            try await server.create(population: 1)
            let lease = try await server.lease()
            try await RawConnection.open(to: server.port) { _, connection in
                let body = #"{"worker":"gone","wait":60}"#
                try await connection.send(
                    "POST /api/v1/experiments/toy/claims HTTP/1.1\r\nHost: localhost\r\n"
                        + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                try await untilClaimsWait(1, server)
                try await connection.hangUp()
                try await untilClaimsWait(0, server)
            }
            try await server.finish(lease)
            let next = try await server.store.interval(IntervalID(member: 0, index: 1), of: "toy")
            #expect(next.state == .waiting)
            #expect(try await server.lease(by: "v")["interval"] == 1)
        }
        #expect(!log.lines.contains { $0.hasPrefix("error") }, "\(log.lines)")
    }

    @Test func `a shutdown answers at once those who wait, for work or for events`() async throws {
        try await withServer { server in
            try await server.create(population: 1)
            _ = try await server.lease()
            let last = try await server.store.lastEvent()
            async let claim = server.ask(.POST, "/experiments/toy/claims", ["worker": "v", "wait": 60])
            async let events = server.ask(.GET, "/events?after=\(last)&wait=60")
            try await untilClaimsWait(1, server)
            while try await !server.ask(.GET, "/metrics").text.contains("pbt_http_requests_in_flight 3\n") {
                await Task.yield()
            }
            await server.shutDown()
            let answer = try await claim
            #expect(answer.status == 200)
            #expect(try answer.json["assignments"] == [])
            #expect(try await events.json == ["items": [], "last": .integer(Int(last))])
        }
    }

    @Test func `events come in pages, of one experiment or of all, and 0 asks for the last number alone`() async throws
    {
        try await withServer { server in
            try await server.create("a")
            try await server.create("b")
            _ = try await server.lease("a")
            let all = try await server.ask(.GET, "/events").json
            #expect(all["items"]?.array?.map { $0["kind"]?.string } == ["created", "created", "started"])
            #expect(all["last"] == 3)
            let first = try await server.ask(.GET, "/events?limit=1").json
            #expect(first["last"] == 1)
            let one = try await server.ask(.GET, "/experiments/a/events?after=1").json
            #expect(one["items"]?.array?.map { $0["id"]?.int } == [3])
            #expect(one["items"]?.array?.first?["interval"] == ["member": 0, "interval": 0])
            #expect(one["items"]?.array?.first?["details"]?["worker"] == "w")
            #expect(try await server.ask(.GET, "/events?limit=0").json == ["items": [], "last": 3])
            #expect(try await server.ask(.GET, "/events?after=77").json == ["items": [], "last": 77])
            #expect(try await server.ask(.GET, "/experiments/c/events").status == 404)
        }
    }

    @Test func `a long poll is answered by the first event, whosever it is not`() async throws {
        try await withServer { server in
            try await server.create("a")
            let last = try await server.store.lastEvent()
            async let mine = server.ask(.GET, "/experiments/a/events?after=\(last)&wait=60")
            while try await !server.ask(.GET, "/metrics").text.contains("pbt_http_requests_in_flight 2\n") {
                await Task.yield()
            }
            try await server.create("b")
            try await server.store.pause("a")
            let answer = try await mine.json
            #expect(answer["items"]?.array?.map { $0["kind"]?.string } == ["paused"])
        }
    }
}
