// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct StreamTests {
    private let accept = [("Accept", "text/event-stream")]

    @Test func `a client that accepts gzip gets the same frames, compressed, as they come`() async throws {
        try await withServer { server in
            try await server.create()
            let plain = try await server.send(.GET, "/experiments/toy/events", headers: accept)
            #expect(plain.headers.first(name: "Content-Encoding") == nil)
            let packed = try await server.send(
                .GET, "/experiments/toy/events", headers: accept + [("Accept-Encoding", "gzip")])
            #expect(packed.headers.first(name: "Content-Encoding") == "gzip")
            #expect(packed.headers.first(name: "Vary") == "Accept-Encoding")
            var frames = EventFrames(plain)
            var body = packed.body.makeAsyncIterator()
            var bytes: [UInt8] = []
            func content() -> String? {
                Gzip.unpacked(bytes, count: 1 << 20, isEnded: false).map { String(decoding: $0, as: UTF8.self) }
            }
            for verb in ["pause", "resume", "pause"] {
                _ = try await frames.next()
                while content() != frames.text {
                    guard let buffer = try await body.next() else { break }
                    bytes += buffer.readableBytesView
                }
                #expect(content() == frames.text)
                _ = try await server.ask(.POST, "/experiments/toy/\(verb)")
            }
            await server.shutDown()
            while let buffer = try await body.next() { bytes += buffer.readableBytesView }
            #expect(Gzip.unpacked(bytes, count: 1 << 20) != nil, "the stream ends with its checksum")
        }
    }

    @Test func `a stream brings what was, then what comes, with number, kind and the event as JSON`() async throws {
        try await withServer { server in
            try await server.create()
            let response = try await server.send(.GET, "/experiments/toy/events", headers: accept)
            #expect(response.status == .ok)
            #expect(response.headers.first(name: "Content-Type") == "text/event-stream")
            #expect(response.headers.first(name: "Cache-Control") == "no-store")
            var frames = EventFrames(response)
            let first = try await frames.next()
            #expect(first?.id == "1")
            #expect(first?.event == "created")
            let events = try await server.ask(.GET, "/events").json
            #expect(try first.map { try Value(json: $0.data) } == events["items"]?.array?.first)
            #expect(frames.text.hasPrefix("retry: 1000\n\n"))
            try await server.create("other")
            try await server.store.pause("toy")
            let second = try await frames.next()
            #expect(second?.id == "3")
            #expect(second?.event == "paused")
        }
    }

    @Test func `a stream goes on behind Last-Event-ID, which is worth more than after`() async throws {
        try await withServer { server in
            for i in 1...250 { try await server.create("e\(i)") }
            let response = try await server.send(
                .GET, "/events?after=7", headers: accept + [("Last-Event-ID", "20")])
            var frames = EventFrames(response)
            for id in 21...250 {
                let frame = try await frames.next()
                #expect(frame?.id == String(id))
            }
            try await server.store.pause("e1")
            #expect(try await frames.next()?.id == "251")
            var behind = EventFrames(try await server.send(.GET, "/events?after=249", headers: accept))
            #expect(try await behind.next()?.id == "250")
            let missing = try await server.ask(.GET, "/experiments/none/events", headers: accept)
            #expect(missing.status == 404)
        }
    }

    @Test func `a shutdown ends streams`() async throws {
        try await withServer { server in
            try await server.create()
            var frames = EventFrames(try await server.send(.GET, "/events", headers: accept))
            _ = try await frames.next()
            await server.shutDown()
            #expect(try await frames.next() == nil)
        }
    }

    @Test func `a silent stream gets comments, also while others' events keep coming`() async throws {
        var configuration = ServerConfiguration()
        configuration.heartbeat = .milliseconds(20)
        try await withServer(configuration: configuration) { server in
            try await server.create("quiet")
            try await server.create("busy")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        try await server.store.pause("busy")
                        try await server.store.resume("busy")
                        await Task.yield()
                    }
                }
                var frames = EventFrames(
                    try await server.send(.GET, "/experiments/quiet/events?after=2", headers: accept))
                while !frames.text.hasSuffix(EventStream.comment + EventStream.comment) {
                    #expect(try await frames.more())
                }
                group.cancelAll()
            }
        }
    }

    @Test func `a stream of a client that went away ends, and is counted no more`() async throws {
        var configuration = ServerConfiguration()
        configuration.heartbeat = .milliseconds(20)
        try await withServer(configuration: configuration) { server in
            @Sendable func untilStreams(_ count: Int) async throws {
                while try await !server.ask(.GET, "/metrics").text.contains("pbt_event_streams \(count)\n") {
                    await Task.yield()
                }
            }
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(
                    "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
                try await reader.wait(for: "retry: 1000")
                try await untilStreams(1)
                try await connection.hangUp()
            }
            try await untilStreams(0)
        }
    }

    @Test func `for a client that does not read, no more than a page of events is read from the store`() async throws {
        let store = CountingStore(InMemoryStore())
        // Each event is large, so that what is sent and not read soon fills the connection.
        let reason = String(repeating: "r", count: 100_000)
        for i in 0..<400 {
            _ = try await store.create(.sample("e\(i)"))
            try await store.stop("e\(i)", because: reason)
        }
        try await withServer(store: store) { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(
                    "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
                try await reader.wait(for: "retry: 1000")
                // Someone who reads gets all 800 events in 8 pages, so there was time to send as much to the other.
                var tail: [UInt8] = []
                for try await buffer in try await server.send(.GET, "/events", headers: accept).body {
                    let bytes = tail + buffer.readableBytesView
                    if bytes.firstRange(of: Array("\nid: 800\n".utf8)) != nil { break }
                    tail = bytes.suffix(16)
                }
                // What the kernel holds for a connection, and one page in memory; there are 8.
                #expect(store.pages >= 9)
                #expect(store.pages <= 8 + 4)
            }
        }
    }

    @Test func `a stream ends when its token is revoked`() async throws {
        let tokens = InMemoryTokens()
        let (token, record) = try Token.make(named: "reader", scope: .read, now: StoreClock.system.now())
        try await tokens.add(record)
        var configuration = ServerConfiguration(admission: .tokens(tokens))
        configuration.heartbeat = .milliseconds(20)
        try await withServer(configuration: configuration) { server in
            try await server.create()
            var frames = EventFrames(
                try await server.send(.GET, "/experiments/toy/events", token: token.text, headers: accept))
            _ = try await frames.next()
            try await tokens.removeToken(named: "reader")
            #expect(try await frames.next() == nil)
        }
    }
}
