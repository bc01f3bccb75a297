// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Foundation
import HTTPTypes
import PBT
import PBTAPI
import PBTSQLite
import PBTTesting
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct TokenTests {
    /// A token of each scope, and what keeps them.
    struct Keys: Sendable {
        let store = InMemoryTokens()
        let clock = ManualClock()
        var texts: [Scope: String] = [:]

        init() async throws {
            for scope in Scope.allCases { texts[scope] = try await make(scope.rawValue, scope) }
        }

        func make(_ name: String, _ scope: Scope, life: Duration? = nil) async throws -> String {
            let (token, record) = try Token.make(named: name, scope: scope, now: clock.now, life: life)
            try await store.add(record)
            return token.text
        }

        var configuration: ServerConfiguration {
            ServerConfiguration(admission: .tokens(store), clock: clock.store)
        }
    }

    private static let unknown =
        "401 unauthorized: unknown or revoked token; create one with: pbt token create NAME"

    @Test func `without a token nothing is to be had but what is for everyone`() async throws {
        let keys = try await Keys()
        try await withServer(configuration: keys.configuration) { server in
            for path in ["/healthz", "/openapi.json"] {
                let answer = try await server.ask(.GET, path)
                #expect(answer.status == 200)
            }
            for path in ["/api/v1", "/metrics", "/experiments", "/events"] {
                let answer = try await server.ask(.GET, path)
                #expect(
                    answer.problem
                        == "401 unauthorized: authentication required: send Authorization: Bearer TOKEN; create one with: "
                        + "pbt token create NAME")
                #expect(answer[header: "WWW-Authenticate"] == "Bearer realm=\"pbt\"")
            }
        }
    }

    @Test func `what is shown instead of a token is refused`() async throws {
        let keys = try await Keys()
        let good = try #require(keys.texts[.admin])
        try await withServer(configuration: keys.configuration) { server in
            let (head, tail) = (good.prefix(good.count - 1), good.last == "A" ? "B" : "A")
            for field in [
                "Bearer \(head)\(tail)", "Bearer \(head)", "Bearer \(good)x", "Bearer pbt_", "Bearer", "Bearer ",
                "Basic \(good)", good, "Bearer \(good.lowercased())", "Bearer pbt__", "Bearer pbt_' OR 1=1_x",
                "Bearer \(String(repeating: "x", count: 5000))",
            ] {
                let answer = try await server.ask(.GET, "/api/v1", headers: [("Authorization", field)])
                #expect(answer.problem == Self.unknown, "\(field.prefix(40))")
            }
            for field in ["bearer \(good)", "BEARER   \(good)"] {
                let answer = try await server.ask(.GET, "/api/v1", headers: [("Authorization", field)])
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `each endpoint asks for its scope, and holds those above it`() async throws {
        let keys = try await Keys()
        try await withServer(configuration: keys.configuration) { server in
            for endpoint in Endpoints.all {
                guard let scope = endpoint.scope, let method = TestServer.Method(rawValue: endpoint.method.rawValue)
                else { continue }
                let path = endpoint.path.replacing("{experiment}", with: "none").replacing("{member}", with: "0")
                    .replacing("{interval}", with: "0").replacing("{checkpoint}", with: "c")
                    .replacing("{attempt}", with: "a").replacing("{path+}", with: "p")
                for shown in Scope.allCases {
                    let answer = try await server.ask(method, path, token: keys.texts[shown])
                    if shown < scope {
                        #expect(
                            answer.problem
                                == "403 forbidden: the token \"\(shown.rawValue)\" is for \(shown.rawValue); this needs "
                                + "\(scope.rawValue): pbt token create NAME --scope \(scope.rawValue)",
                            "\(method) \(path)")
                    } else {
                        #expect(answer.status != 401 && answer.status != 403, "\(method) \(path) \(shown)")
                    }
                }
            }
        }
    }

    @Test func `a token that was revoked or expired is refused while the server runs`() async throws {
        let keys = try await Keys()
        let short = try await keys.make("short", .read, life: .seconds(60))
        try await withServer(configuration: keys.configuration) { server in
            let before = try await server.ask(.GET, "/api/v1", token: short)
            #expect(before.status == 200)
            keys.clock.advance(by: .seconds(60))
            let expired = try await server.ask(.GET, "/api/v1", token: short)
            #expect(
                expired.problem
                    == "401 unauthorized: the token \"short\" expired at \(keys.clock.now); create a new one with: "
                    + "pbt token create NAME")
            try await keys.store.removeToken(named: "read")
            let revoked = try await server.ask(.GET, "/api/v1", token: keys.texts[.read])
            #expect(revoked.problem == Self.unknown)
        }
    }

    @Test func `a claim that waits gets nothing once its token is revoked`() async throws {
        let keys = try await Keys()
        let (admin, work) = (keys.texts[.admin], keys.texts[.work])
        try await withServer(configuration: keys.configuration) { server in
            try await server.create(population: 1)
            let lease = try await server.lease(token: admin)
            async let waiting = server.ask(
                .POST, "/experiments/toy/claims", ["worker": "v", "wait": 60], token: work)
            while try await !server.ask(.GET, "/metrics", token: admin).text.contains("pbt_claims_waiting 1\n") {
                await Task.yield()
            }
            try await keys.store.removeToken(named: "work")
            try await server.finish(lease, token: admin)
            #expect(try await waiting.problem == "401 unauthorized: the token \"work\" was revoked")
            let next = try await server.store.interval(IntervalID(member: 0, index: 1), of: "toy")
            #expect(next.state == .waiting)
        }
    }

    @Test func `too many wrong tokens are told to wait, and a good one from the same address is let in`() async throws {
        let keys = try await Keys()
        try await withServer(configuration: keys.configuration) { server in
            for _ in 1...20 {
                let answer = try await server.ask(.GET, "/api/v1", token: "pbt_a_b")
                #expect(answer.problem == Self.unknown)
            }
            let refused = try await server.ask(.GET, "/api/v1", token: "pbt_a_b")
            #expect(
                refused.problem == "429 tooManyRequests: too many wrong tokens from this address; wait a minute")
            #expect(refused[header: "Retry-After"] == "60")
            let good = try await server.ask(.GET, "/api/v1", token: keys.texts[.read])
            #expect(good.status == 200)
            keys.clock.advance(by: .seconds(61))
            let later = try await server.ask(.GET, "/api/v1", token: "pbt_a_b")
            #expect(later.problem == Self.unknown)
        }
    }

    @Test func `no secret is ever logged, at any level`() async throws {
        let keys = try await Keys()
        let log = LogCapture()
        let leased = try await withServer(configuration: keys.configuration, logger: log.logger) { server in
            try await server.create()
            let lease = try await server.lease(token: keys.texts[.work])
            _ = try await server.finish(lease, token: keys.texts[.read])
            _ = try await server.finish(lease, token: keys.texts[.work])
            _ = try await server.ask(.GET, "/api/v1", token: "pbt_wrong_wrongsecret")
            _ = try await server.ask(.GET, "/api/v1?token=querysecret", token: keys.texts[.read])
            return try #require(lease["token"]?.string)
        }
        #expect(log.lines.contains { $0.contains("responded") })
        for secret in Array(keys.texts.values) + [leased, "wrongsecret", "querysecret"] {
            let hidden = secret.split(separator: "_", maxSplits: 2).last.map(String.init) ?? secret
            #expect(!log.lines.contains { $0.contains(hidden) })
        }
    }

    @Test func `the store's file holds a hash, and nothing of the secret`() async throws {
        try await withTemporaryDirectory { directory in
            let store = try SQLiteStore(path: "\(directory)/s.sqlite")
            let (token, record) = try Token.make(named: "laptop", scope: .work, now: StoreClock.system.now())
            try await store.add(record)
            #expect(try await store.token(id: record.id) == record)
            let secret = try #require(token.text.split(separator: "_", maxSplits: 2).last)
            var bytes = Data()
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
                bytes += try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))
            }
            #expect(bytes.firstRange(of: Data(record.id.utf8)) != nil)
            #expect(bytes.firstRange(of: Data(secret.utf8)) == nil)
            #expect(bytes.firstRange(of: Data(secret.utf8.prefix(12))) == nil)
        }
    }

    @Test func `a secret is 256 random bits, and no two are alike`() throws {
        var seen: Set<String> = []
        for _ in 1...1000 {
            let (token, record) = try Token.make(named: "n", scope: .read, now: Timestamp(milliseconds: 0))
            let parts = token.text.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
            try #require(parts.count == 3)
            #expect(parts[0] == "pbt")
            #expect(String(parts[1]) == record.id)
            // 32 bytes are 43 digits of base64.
            #expect(parts[2].utf8.count == 43)
            #expect(record.hash.count == 32)
            #expect(Token.matches(token.text, record))
            #expect(seen.insert(String(parts[2])).inserted)
        }
        // Each of the 64 digits occurs, and the first is not always the same.
        #expect(Set(seen.joined()).count == 64)
        #expect(Set(seen.compactMap(\.first)).count > 32)
    }

    @Test func `tokens are compared without stopping at the first difference`() throws {
        let (token, record) = try Token.make(named: "n", scope: .read, now: Timestamp(milliseconds: 0))
        // What is compared are hashes of equal length; each bit of each byte counts.
        for byte in record.hash.indices {
            for bit in 0..<8 {
                var other = record
                other.hash[byte] ^= 1 << bit
                #expect(!Token.matches(token.text, other))
            }
        }
        var short = record
        short.hash = []
        #expect(!Token.matches(token.text, short))
        // The source says how: no `==` on the bytes.
        let source = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Sources/PBTHTTP/Access/Token.swift"), encoding: .utf8)
        #expect(source.contains("zip(hash, record.hash).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0"))
        #expect(!source.contains("hash == "))
    }

    @Test(arguments: ["", " ", "a b", "-x", "a\nb", String(repeating: "n", count: 65)])
    func `a token's name can be shown in a list`(name: String) {
        #expect(throws: PBTError.self) {
            try Token.make(named: name, scope: .read, now: Timestamp(milliseconds: 0))
        }
    }
}
