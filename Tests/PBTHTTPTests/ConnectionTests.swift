// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import NIOCore
import PBT
import PBTAPI
import PBTCheckpoints
import SystemPackage
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct ConnectionTests {
    /// A server that waits for nothing but what is changed.
    private static func configuration(
        connections: Int? = nil, _ change: (inout ConnectionLimits) -> Void = { _ in }
    ) -> ServerConfiguration {
        var configuration = ServerConfiguration(connections: connections)
        var limits = ConnectionLimits()
        for path in [\ConnectionLimits.header, \.body, \.upload, \.idle, \.write, \.linger] {
            limits[keyPath: path] = .seconds(3600)
        }
        change(&limits)
        configuration.limits = limits
        return configuration
    }

    private let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    private let claim =
        "POST /api/v1/experiments/toy/claims HTTP/1.1\r\nHost: localhost\r\n"
        + "Content-Type: application/json\r\n"

    @Test func `a connection on which no request comes is closed without a word`() async throws {
        try await withServer(configuration: Self.configuration { $0.header = .milliseconds(40) }) { server in
            let answer = try await RawConnection.open(to: server.port) { reader, _ in try await reader.all() }
            #expect(answer.isEmpty)
        }
    }

    private static let halves = ["G", "GET /healthz HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"]

    @Test(arguments: halves, [false, true])
    func `half a head is answered with 408, also on a connection that was used before`(
        half: String, isUsed: Bool
    ) async throws {
        // On a busy machine the deadline may end before the client has sent anything: then a longer one is tried.
        for deadline in [Duration.milliseconds(200), .seconds(2), .seconds(20), .seconds(200)] {
            let answer = try await withServer(configuration: Self.configuration { $0.header = deadline }) { server in
                do {
                    return try await RawConnection.open(to: server.port) { reader, connection -> String? in
                        if isUsed {
                            try await connection.send(get)
                            guard try await reader.answer().hasPrefix("HTTP/1.1 200 ") else { return nil }
                        }
                        try await connection.send(half)
                        let answer = try await reader.all()
                        return answer.isEmpty ? nil : answer
                    }
                } catch is ChannelError {
                    return nil
                } catch is IOError {
                    return nil
                }
            }
            guard let answer else { continue }
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            #expect(answer.contains("\"code\":\"requestTimeout\""))
            return
        }
        Issue.record("no deadline left the client time to send half a head")
    }

    @Test func `half a body is answered with 408, and nothing comes of it`() async throws {
        let configuration = Self.configuration {
            $0.body = .milliseconds(40)
            // Two bytes have no time of their own.
            $0.bodyRate = 1000
        }
        try await withServer(configuration: configuration) { server in
            try await server.create()
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(claim + "Content-Length: 20\r\n\r\n{\"")
                #expect(try await reader.all().hasPrefix("HTTP/1.1 408 "))
            }
            #expect(try await server.store.record(of: "toy").counts[.running] ?? 0 == 0)
        }
    }

    @Test func `time in which a claim waits for work is not the client's`() async throws {
        let configuration = Self.configuration {
            ($0.body, $0.write, $0.linger) = (.milliseconds(20), .milliseconds(20), .milliseconds(20))
        }
        try await withServer(configuration: configuration) { server in
            try await server.create()
            try await server.store.pause("toy")
            try await RawConnection.open(to: server.port) { reader, connection in
                let body = #"{"worker":"w","wait":60}"#
                try await connection.send(claim + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                // Others that are closed for being slow show that time passes.
                for _ in 1...3 {
                    try await RawConnection.open(to: server.port) { reader, connection in
                        try await connection.send(claim + "Content-Length: 20\r\n\r\n")
                        #expect(try await reader.all().hasPrefix("HTTP/1.1 408 "))
                    }
                }
                try await server.store.resume("toy")
                let answer = try await reader.answer()
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                #expect(answer.contains("\"lease\""))
            }
        }
    }

    @Test func `a connection that is not used again is closed`() async throws {
        try await withServer(configuration: Self.configuration { $0.idle = .milliseconds(40) }) { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(get)
                #expect(try await reader.all().hasSuffix("{\"status\":\"ok\"}"))
            }
        }
    }

    @Test func `a response that is not read ends the connection`() async throws {
        let store = InMemoryStore()
        let reason = String(repeating: "r", count: 200_000)
        for i in 0..<100 {
            _ = try await store.create(.sample("e\(i)"))
            try await store.stop("e\(i)", because: reason)
        }
        let configuration = Self.configuration { $0.write = .milliseconds(100) }
        try await withServer(store: store, configuration: configuration) { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(
                    "GET /api/v1/events?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                try await reader.wait(for: "HTTP/1.1 200 ")
                try await connection.untilClosed()
            }
        }
    }

    @Test func `a client that pipelines and reads nothing keeps no other waiting, and is disconnected`() async throws {
        let configuration = Self.configuration { $0.write = .milliseconds(200) }
        try await withServer(configuration: configuration) { server in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<4 {
                    tasks.addTask {
                        try await RawConnection.open(to: server.port) { _, connection in
                            // Long responses: the system's buffers are full soon.
                            let requests = String(
                                repeating: get.replacing("/healthz", with: "/openapi.json"), count: 1000)
                            await #expect(throws: (any Error).self) {
                                // Until it is closed.
                                while true { try await connection.send(requests) }
                            }
                        }
                    }
                }
                for _ in 0..<20 { #expect(try await server.ask(.GET, "/healthz").status == 200) }
                try await tasks.waitForAll()
            }
        }
    }

    @Test func `pipelined requests, also with bodies, are answered in their order`() async throws {
        try await withServer(configuration: Self.configuration()) { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                let missing = "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
                try await connection.send(String(repeating: get + missing, count: 200))
                for _ in 0..<200 {
                    #expect(try await reader.answer().hasPrefix("HTTP/1.1 200 "))
                    #expect(try await reader.answer().hasPrefix("HTTP/1.1 404 "))
                }
            }
        }
    }

    private let long = "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n"

    @Test func `a client that sends all of its request before it reads gets an answer that came earlier`() async throws
    {
        try await withServer(configuration: Self.configuration()) { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(long + "Connection: close\r\n\r\n")
                for _ in 1...8 { try await connection.send([UInt8](repeating: 0, count: 1_000_000)) }
                #expect(try await reader.all().hasPrefix("HTTP/1.1 404 "))
            }
        }
    }

    @Test(arguments: ["", "Connection: close\r\n"])
    func `a request that was answered and whose rest never comes ends its connection`(field: String) async throws {
        try await withServer(configuration: Self.configuration { $0.linger = .milliseconds(40) }) { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(long + field + "\r\n{")
                #expect(try await reader.all().hasPrefix("HTTP/1.1 404 "))
            }
        }
    }

    @Test func `where connections are few, the one that was idle longest makes room`() async throws {
        try await withServer(configuration: Self.configuration(connections: 2)) { server in
            try await withThrowingTaskGroup(of: String.self) { tasks in
                let (answers, answered) = AsyncStream<Void>.makeStream()
                tasks.addTask {
                    try await RawConnection.open(to: server.port) { reader, connection in
                        try await connection.send(get)
                        _ = try await reader.answer()
                        answered.yield()
                        return try await reader.all()
                    }
                }
                var iterator = answers.makeAsyncIterator()
                await iterator.next()
                try await RawConnection.open(to: server.port) { second, connection in
                    try await connection.send(get)
                    _ = try await second.answer()
                    #expect(try await server.ask(.GET, "/healthz").status == 200)
                    try await connection.send(get)
                    #expect(try await second.answer().hasPrefix("HTTP/1.1 200 "))
                }
                // Nothing but the end of the connection.
                #expect(try await tasks.next() == "")
            }
        }
    }

    @Test func `where all connections are at work, one more is refused with 503 until one ends`() async throws {
        try await withServer(configuration: Self.configuration(connections: 2)) { server in
            try await server.create()
            try await server.store.pause("toy")
            try await RawConnection.open(to: server.port) { reader, connection in
                let body = #"{"worker":"w","wait":60}"#
                try await connection.send(claim + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                try await server.untilMetric("pbt_claims_waiting 1")
                let stream = try await server.send(.GET, "/events", headers: [("Accept", "text/event-stream")])
                var events = stream.body.makeAsyncIterator()
                _ = try await events.next()
                let answer = try await RawConnection.open(to: server.port) { reader, _ in try await reader.all() }
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.contains("\"code\":\"tooManyConnections\""))
                try await server.store.resume("toy")
                #expect(try await reader.answer().contains("\"lease\""))
            }
            // The one that claimed is idle now, or gone.
            let answer = try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(get)
                return try await reader.answer()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `connections get the files that are left, two each`() throws {
        #expect(try OpenFiles.connections(limit: 1024, used: 24) == (1024 - 24 - 32) / 2)
        #expect(try OpenFiles.connections(limit: .max, used: 24) == 10_000)
        #expect(try OpenFiles.connections(limit: 120, used: 24) == 32)
        let error = #expect(throws: PBTError.self) { try OpenFiles.connections(limit: 64, used: 24) }
        #expect(error?.message.contains("only 64 files may be open, and a server needs 72") == true)
        #expect(OpenFiles.count() > 2)
        #expect(OpenFiles.limit > OpenFiles.count())
    }
}

extension TestServer {
    /// Waits until a line is among the metrics.
    func untilMetric(_ line: String) async throws {
        while try await !ask(.GET, "/metrics").text.split(separator: "\n").contains(Substring(line)) {
            await Task.yield()
        }
    }
}
