// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import Logging
import NIOCore
import PBT
import PBTAPI
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct EventFeedTests {
    private static func event(_ id: Int64, _ name: String) -> Event {
        Event(id: id, experiment: name, time: Timestamp(milliseconds: id), kind: .paused, interval: nil, details: [:])
    }

    private static func ids(_ frames: EncodedFrames?) -> [String] {
        var parser = EventStream.Parser()
        return parser.take(frames?.plain.readableBytesView ?? ByteBuffer().readableBytesView).compactMap(\.id)
    }

    @Test func `a batch has the frames after any event, of all experiments and of each`() {
        let events = [(2, "a"), (3, "b"), (5, "a"), (9, "b")].map { Self.event(Int64($0.0), $0.1) }
        let batch = EventBatch(events)
        #expect(batch.last == 9)
        for last in Int64(0)...10 {
            let later = events.filter { $0.id > last }
            #expect(Self.ids(batch.frames(after: last, of: nil)) == later.map { "\($0.id)" })
            for name in ["a", "b", "c"] {
                let wanted = later.filter { $0.experiment == name }.map { "\($0.id)" }
                #expect(Self.ids(batch.frames(after: last, of: name)) == wanted)
                #expect(batch.concerns([name, "none"], after: last) == !wanted.isEmpty)
            }
        }
        let frame = batch.frames(after: 5, of: nil).map { String(buffer: $0.plain) }
        #expect(frame == EventStream.Frame(id: "9", event: "paused", data: events[3].api.json).text)
    }

    @Test func `events of one experiment are kept once`() {
        let batch = EventBatch([Self.event(1, "a"), Self.event(2, "a")])
        #expect(Self.ids(batch.frames(after: 0, of: "a")) == ["1", "2"])
        #expect(batch.frames(after: 0, of: "b") == nil)
        #expect(batch.bytes < 400)
    }

    @Test func `followers share one reader, however many they are`() async throws {
        let store = CountingStore(InMemoryStore())
        let followers = 30
        let rounds = 40
        var client = HTTPClient.Configuration()
        client.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = followers
        try await withServer(store: store, client: client) { server in
            try await server.create()
            try await withThrowingTaskGroup(of: [Int].self) { tasks in
                let (started, ready) = AsyncStream<Void>.makeStream()
                for _ in 1...followers {
                    tasks.addTask {
                        let response = try await server.send(
                            .GET, "/experiments/toy/events?after=1", headers: [("Accept", "text/event-stream")])
                        var parser = EventStream.Parser()
                        var ids: [Int] = []
                        for try await buffer in response.body {
                            ready.yield()
                            ids += parser.take(buffer.readableBytesView).compactMap { $0.id.flatMap { Int($0) } }
                            if ids.count >= 2 * rounds { break }
                        }
                        return ids
                    }
                }
                var iterator = started.makeAsyncIterator()
                for _ in 1...followers { await iterator.next() }
                let before = store.eventReads
                for _ in 1...rounds {
                    try await store.pause("toy")
                    try await store.resume("toy")
                }
                for try await ids in tasks { #expect(ids == Array(2...(2 * rounds + 1))) }
                // One for each event by the feed and by the queue of claims, at most, and what followers read at first.
                #expect(store.eventReads - before <= 2 * 2 * rounds + 3 * followers)
            }
        }
    }

    @Test func `what is kept is bounded, and a follower that is further behind is told to read from the store`()
        async throws
    {
        let store = InMemoryStore()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let feed = EventFeed(store: store, logger: logger, heartbeat: .milliseconds(20), kept: 4000)
        _ = try await store.create(.sample())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await feed.run() }
            let id = feed.join()
            guard case .behind = feed.next(after: 0, of: nil) else {
                Issue.record("nothing has been read yet")
                return
            }
            while feed.news(after: 1, of: nil) == nil { await feed.wait(id, after: 0, of: nil, for: .seconds(60)) }
            for _ in 1...50 {
                try await store.pause("toy")
                // Batch by batch: each is there before the next event happens.
                await feed.wait(id, after: try await store.lastEvent() - 1, of: ["toy"], for: .seconds(60))
                try await store.resume("toy")
            }
            while feed.news(after: 100, of: nil)?.hasNews != true {
                await feed.wait(id, after: 100, of: nil, for: .seconds(60))
            }
            guard case .behind = feed.next(after: 1, of: "toy") else {
                Issue.record("an event that happened long ago is still kept")
                return
            }
            guard case .frames(let frames, upTo: 101) = feed.next(after: 100, of: "toy") else {
                Issue.record("the newest event is not kept")
                return
            }
            #expect(Self.ids(frames) == ["101"])
            guard case .nothing(upTo: 101) = feed.next(after: 100, of: "other") else {
                Issue.record("events of one experiment are no events of another")
                return
            }
            feed.disconnect(id)
            #expect(feed.isOver(id))
            // Of no effect any more.
            await feed.wait(id, after: 101, of: nil, for: .seconds(3600))
            feed.leave(id)
            tasks.cancelAll()
        }
    }

    @Test func `the token of many followers is looked up once in a while, not by each`() async throws {
        let tokens = CountingTokens()
        let (token, record) = try Token.make(named: "reader", scope: .read, now: StoreClock.system.now())
        try await tokens.tokens.add(record)
        let access = Access(.tokens(tokens), clock: .system)
        let caller = try await access.caller(showing: "Bearer \(token.text)", from: "")
        let before = tokens.reads
        for _ in 1...100 { try await access.checkAgain(caller, atMostEvery: .seconds(3600)) }
        #expect(tokens.reads - before == 1)
        try await tokens.tokens.removeToken(named: "reader")
        await #expect(throws: PBTError.self) { try await access.checkAgain(caller, atMostEvery: .zero) }
        // And whoever comes next finds out too.
        await #expect(throws: PBTError.self) { try await access.checkAgain(caller, atMostEvery: .seconds(3600)) }
    }
}
