// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import Foundation
import NIOSSL
import PBT
import PBTAPI
import PBTTesting
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct AccessTests {
    @Test(arguments: [
        ("localhost", 200), ("LOCALHOST:7070", 200), ("127.0.0.1", 200), ("127.9.8.7:1", 200), ("[::1]:7070", 200),
        ("box.localhost", 200), ("evil.example", 403), ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403),
        ("10.0.0.1", 403), ("0.0.0.0", 403), ("[::]", 403), ("notlocalhost", 403),
    ])
    func `on loopback without tokens, only this machine's names are answered`(host: String, status: Int) async throws {
        try await withServer { server in
            let answer = try await server.ask(.GET, "/api/v1", headers: [("Host", host)])
            #expect(answer.status == status)
        }
    }

    @Test func `with tokens the name does not matter, since a page cannot know the token`() async throws {
        let tokens = InMemoryTokens()
        let (token, record) = try Token.make(named: "n", scope: .read, now: StoreClock.system.now())
        try await tokens.add(record)
        try await withServer(configuration: .init(admission: .tokens(tokens))) { server in
            let answer = try await server.ask(
                .GET, "/api/v1", token: token.text, headers: [("Host", "pbt.example")])
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [
        ("same-origin", "https://pbt.example", 200), ("none", "https://pbt.example", 200),
        ("cross-site", "http://127.0.0.1", 403), ("same-site", "http://127.0.0.1", 403), (nil, "http://HOST", 200),
        (nil, "http://evil.example", 403), (nil, "null", 403), (nil, nil, 200),
    ])
    func `a page of another site changes nothing`(site: String?, origin: String?, status: Int) async throws {
        try await withServer { server in
            try await server.create()
            var headers: [(String, String)] = []
            if let site { headers.append(("Sec-Fetch-Site", site)) }
            if let origin { headers.append(("Origin", origin.replacing("HOST", with: "127.0.0.1:\(server.port)"))) }
            let answer = try await server.ask(.POST, "/experiments/toy/pause", headers: headers)
            #expect(answer.status == status)
            #expect(try await server.store.record(of: "toy").state == (status == 200 ? .paused : .running))
            let looked = try await server.ask(.GET, "/experiments/toy", headers: headers)
            #expect(looked.status == 200)
            #expect(looked[header: "Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test func `many callers are forgotten, but none who is refused`() throws {
        let limit = RateLimit(1)
        let now = ContinuousClock.now
        try limit.count("greedy", at: now)
        try limit.count("greedy", at: now)
        for i in 0..<25_000 {
            try limit.count("caller \(i)", at: now)
            #expect(limit.size <= RateLimit.capacity)
        }
        #expect(throws: Problem.self) { try limit.count("greedy", at: now) }
    }

    @Test(.enabled(if: hasOpenSSL, "openssl is not installed"), arguments: ["", "\u{16}\u{3}\u{1}"])
    func `a client that never shakes hands is disconnected`(start: String) async throws {
        try await withTemporaryDirectory { directory in
            var configuration = ServerConfiguration(tls: try Self.certificate(in: directory))
            configuration.limits.header = .seconds(1)
            try await withServer(configuration: configuration) { server in
                try await RawConnection.open(to: server.port) { _, connection in
                    if !start.isEmpty { try await connection.send(start) }
                    try await connection.untilClosed()
                }
            }
        }
    }

    @Test func `a caller that asks too often is told to slow down, others are not`() throws {
        let limit = RateLimit(10)
        let now = ContinuousClock.now
        for _ in 1...20 { try limit.count("a", at: now) }
        #expect(
            throws: Problem(
                429, "tooManyRequests", "more than 10 requests a second; slow down, or see --rate-limit", retryAfter: 1)
        ) {
            try limit.count("a", at: now)
        }
        try limit.count("b", at: now)
        let later = now.advanced(by: .milliseconds(100))
        try limit.count("a", at: later)
        #expect(throws: Problem.self) { try limit.count("a", at: later) }
    }

    @Test func `the limit of a server is answered with Retry-After`() async throws {
        // So few that time does not matter: the first is the only one.
        try await withServer(configuration: .init(rateLimit: 0.000_001)) { server in
            let first = try await server.ask(.GET, "/healthz")
            #expect(first.status == 200)
            let second = try await server.ask(.GET, "/healthz")
            #expect(second.problem.hasPrefix("429 tooManyRequests: "))
            #expect(second[header: "Retry-After"] == "1")
        }
    }

    /// A certificate for 127.0.0.1 and its key, made by openssl.
    private static func certificate(in directory: String) throws -> ServerConfiguration.TLS {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(directory)/key.pem",
            "-out", "\(directory)/certificate.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return .init(certificate: "\(directory)/certificate.pem", key: "\(directory)/key.pem")
    }

    private static let hasOpenSSL = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/openssl") }

    @Test(.enabled(if: hasOpenSSL, "openssl is not installed"))
    func `with a certificate, TLS and nothing else is spoken`() async throws {
        try await withTemporaryDirectory { directory in
            let tls = try Self.certificate(in: directory)
            var trusting = TLSConfiguration.makeClientConfiguration()
            trusting.trustRoots = .file(tls.certificate)
            try await withServer(
                configuration: .init(tls: tls), client: HTTPClient.Configuration(tlsConfiguration: trusting)
            ) { server in
                let answer = try await server.ask(.GET, "/healthz")
                #expect(answer.text == #"{"status":"ok"}"#)
                try await RawConnection.open(to: server.port) { reader, connection in
                    try await connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    #expect(try await !reader.all().contains("HTTP/1.1"))
                }
                try await server.create(population: 1)
                _ = try await server.lease()
                async let waiting = server.ask(.POST, "/experiments/toy/claims", ["worker": "v", "wait": 60])
                while try await !server.ask(.GET, "/metrics").text.contains("pbt_claims_waiting 1\n") {
                    await Task.yield()
                }
                await server.shutDown()
                #expect(try await waiting.json["assignments"] == [])
            }
            var suspicious = HTTPClient.Configuration()
            suspicious.connectionPool.retryConnectionEstablishment = false
            await #expect(throws: (any Error).self) {
                try await withServer(configuration: .init(tls: tls), client: suspicious) {
                    _ = try await $0.ask(.GET, "/healthz")
                }
            }
        }
    }

    @Test(.enabled(if: hasOpenSSL, "openssl is not installed"))
    func `a certificate or key that cannot be used is an error that names both`() async throws {
        try await withTemporaryDirectory { directory in
            let good = try Self.certificate(in: directory)
            try FileManager.default.createDirectory(atPath: "\(directory)/b", withIntermediateDirectories: true)
            let other = try Self.certificate(in: "\(directory)/b")
            try "nonsense".write(toFile: "\(directory)/bad.pem", atomically: true, encoding: .utf8)
            for (certificate, key) in [
                ("\(directory)/none.pem", good.key), (good.certificate, "\(directory)/none.pem"),
                ("\(directory)/bad.pem", good.key), (good.certificate, "\(directory)/bad.pem"),
                (good.certificate, other.key), (good.certificate, good.certificate),
            ] {
                let error = await #expect(throws: PBTError.self) {
                    try await withServer(configuration: .init(tls: .init(certificate: certificate, key: key))) { _ in }
                }
                #expect(error?.code == .badValue)
                #expect(
                    error?.message.hasPrefix("the certificate \(certificate) with the key \(key) cannot be used (")
                        == true)
                #expect(error?.message.hasSuffix("); both must be PEM files that can be read") == true)
            }
        }
    }

    @Test func `a port that is taken, and an address that is not this machine's, are errors that say so`() async throws
    {
        try await withServer { first in
            let server = Server(
                store: InMemoryStore(), data: nil, configuration: .init(port: first.port))
            let taken = await #expect(throws: PBTError.self) { try await server.run() }
            #expect(taken?.code == .inputOutput)
            #expect(taken?.message.hasPrefix("cannot listen on 127.0.0.1:\(first.port): ") == true)
            #expect(
                taken?.message.hasSuffix("is another server running there? Choose another port with --port") == true)
        }
        for host in ["192.0.2.1", "no.such.host.invalid"] {
            let server = Server(store: InMemoryStore(), data: nil, configuration: .init(host: host, port: 0))
            let error = await #expect(throws: PBTError.self) { try await server.run() }
            #expect(error?.message.hasPrefix("cannot listen on \(host):0: ") == true)
        }
    }
}
