// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import NIOHTTP1
import PBT
import Testing

@testable import PBTHTTP
@testable import PBTServer

/// Requests that two programs could read in two ways: what a proxy takes for one request, a server for two.
@Suite(.timeLimit(.minutes(10)))
struct FramingTests {
    private static let claims = "/api/v1/experiments/toy/claims"

    private static func head(_ fields: String, _ line: String = "GET /healthz HTTP/1.1") -> String {
        "\(line)\r\n\(fields)\r\n"
    }

    /// What is sent, and what must be said about it.
    static let refused: [(String, String)] = [
        (head(""), "the request has no Host field, which HTTP/1.1 needs"),
        (head("Host: localhost\r\nHost: localhost\r\n"), "the request has 2 Host fields; send one"),
        (head("Host: localhost\r\nhost: evil\r\n"), "the request has 2 Host fields; send one"),
        (head("Host: a b\r\n"), "Host is not a host with an optional port: \"a b\""),
        (head("Host: a,b/c\r\n"), "Host is not a host with an optional port: \"a,b/c\""),
        (head("Host: user@localhost\r\n"), "Host is not a host with an optional port: \"user@localhost\""),
        (head("Host: localhost:x\r\n"), "Host is not a host with an optional port: \"localhost:x\""),
        (
            head("Host: localhost\r\n", "GET http://evil/healthz HTTP/1.1"),
            "the request's target and its Host field name different servers"
        ),
        (
            head("Host: localhost\r\n", "GET http://localhost@evil/healthz HTTP/1.1"),
            "the request's target and its Host field name different servers"
        ),
        (
            head("Host: localhost\r\n", "CONNECT a:80 HTTP/1.1"),
            "the request's target must be a path that begins with /, not \"a:80\""
        ),
        (
            head("Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", "POST \(claims) HTTP/1.1"),
            "Transfer-Encoding must be chunked, and nothing else"
        ),
        (
            head("Host: localhost\r\nTransfer-Encoding: chunked\r\n", "POST \(claims) HTTP/1.0") + "0\r\n\r\n",
            "HTTP/1.0 has no Transfer-Encoding"
        ),
    ]

    @Test(arguments: refused)
    func `what can be read in two ways is refused, and nothing after it is read`(
        request: String, detail: String
    ) async throws {
        try await withServer { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(request + "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try await reader.all()
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
                #expect(answer.contains("\"detail\":\"\(detail.replacing("\"", with: "\\\""))\""), "\(answer)")
                #expect(!answer.contains("pbt_http"), "\(answer)")
                #expect(answer.matches(of: /HTTP\/1\.1 \d/).count == 1, "\(answer)")
            }
        }
    }

    /// Shapes that NIO's parser refuses, in words of its own.
    static let malformed: [String] = [
        "Transfer-Encoding: chunked\r\nContent-Length: 4", "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding : chunked",
        "Transfer-Encoding:\u{b}chunked", "Content-Length: +4", "Content-Length: 4, 4", "Content-Length: 0x4",
        "Content-Length: 4\r\nContent-Length: 4", "Content-Length: 4 4", "Content-Length: ", "X: a\r\n folded",
        "X\r\n", "X: a\rb", "Content-Length\u{0}: 4", "Bad Name: x", "X: a\nTransfer-Encoding: chunked\n b",
    ]

    @Test(arguments: malformed)
    func `a body whose length is in doubt is refused`(fields: String) async throws {
        try await withServer { server in
            try await server.create()
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(
                    "POST \(Self.claims) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\(fields)\r\n\r\n"
                        + "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try await reader.all()
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
                #expect(!answer.contains("pbt_http"), "\(answer)")
            }
            #expect(try await server.store.record(of: "toy").counts[.running] ?? 0 == 0)
        }
    }

    @Test func `HTTP/1.0 needs no Host, and its connection is closed after the response`() async throws {
        try await withServer { server in
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send("GET /healthz HTTP/1.0\r\n\r\n")
                let answer = try await reader.all()
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                #expect(answer.hasSuffix("{\"status\":\"ok\"}"))
            }
        }
    }

    @Test(arguments: ["localhost", "127.0.0.1:7070", "[::1]:7070", "[::1]", "LOCALHOST"])
    func `names and addresses are hosts`(host: String) {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        head.headers.add(name: "Host", value: host)
        #expect(RequestHeadCheck.problem(of: head) == nil)
    }

    @Test func `a body that is compressed is refused, and not kept as if it were not`() async throws {
        try await withServer { server in
            try await server.create()
            let answer = try await server.ask(
                .POST, "/experiments/toy/claims", ["worker": "w"], headers: [("Content-Encoding", "gzip")])
            #expect(
                answer.problem
                    == "415 unsupportedMediaType: Content-Encoding: \"gzip\" is not supported; send the body as it is")
        }
    }
}
