// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTSQLite
import PBTSchedy
import PBTTesting
import ServerTestSupport
import Testing

/// The keys of exchanged tokens, which outlive the server.
@Suite(.timeLimit(.minutes(10))) struct SchedyKeyTests {
    private static let holder = SchedyHolder(id: "id", scope: .work)
    private static let hour = Duration.seconds(3600)

    private static func tokens(_ store: any TokenStore, _ clock: ManualClock) -> SchedyTokens {
        SchedyTokens(
            keys: StoredKeys(store, lifetime: hour, clock: clock.store), lifetime: hour, clock: clock.store)
    }

    private static func withStores(
        _ body: (any TokenStore, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        try await body(InMemoryTokens(), clock)
        try await withTemporaryDirectory { directory in
            try await body(SQLiteStore(path: "\(directory)/s.sqlite", clock: clock.store), clock)
        }
    }

    @Test func `a token is valid at another server of the same store, and at no other`() async throws {
        try await Self.withStores { store, clock in
            let token = try await Self.tokens(store, clock).issue(Self.holder, email: "e").token
            let claims = try await Self.tokens(store, clock).read(token)
            #expect(claims?.id == "id" && claims?.email == "e")
            #expect(try await Self.tokens(InMemoryTokens(), clock).read(token) == nil)
            #expect(try await store.signingKeys().count == 1)
        }
    }

    @Test func `a key signs for a day, and is gone when its last token has expired`() async throws {
        try await Self.withStores { store, clock in
            let tokens = Self.tokens(store, clock)
            _ = try await tokens.issue(Self.holder, email: "e")
            let first = try await store.signingKeys()
            clock.advance(by: .seconds(86_400 - 60))
            let late = try await tokens.issue(Self.holder, email: "e").token
            #expect(try await store.signingKeys() == first)
            clock.advance(by: .seconds(120))
            let fresh = try await tokens.issue(Self.holder, email: "e").token
            #expect(try await store.signingKeys().count == 2)
            #expect(try await store.signingKeys().last == first[0])
            for token in [late, fresh] { #expect(try await tokens.read(token) != nil) }
            clock.advance(by: .seconds(3600 - 121))
            #expect(try await tokens.read(late) != nil)
            clock.advance(by: .seconds(1))
            #expect(try await tokens.read(late) == nil)
            clock.advance(by: .seconds(86_400))
            _ = try await tokens.issue(Self.holder, email: "e")
            #expect(try await !store.signingKeys().contains(first[0]))
        }
    }

    @Test func `a key of a clock that was wrong signs nothing more`() async throws {
        try await Self.withStores { store, clock in
            clock.advance(by: .seconds(10_000_000))
            _ = try await Self.tokens(store, clock).issue(Self.holder, email: "e")
            clock.advance(by: .seconds(-9_000_000))
            let tokens = Self.tokens(store, clock)
            let token = try await tokens.issue(Self.holder, email: "e").token
            #expect(try await store.signingKeys().first?.created == clock.now)
            #expect(try await tokens.read(token) != nil)
        }
    }

    @Test func `of two servers that need a key at the same time, both use the first one`() async throws {
        try await Self.withStores { store, clock in
            func key(_ byte: UInt8) -> SigningKey {
                SigningKey(secret: Array(repeating: byte, count: 32), created: clock.now)
            }
            let one = try await store.add(key(1), after: nil, removingBefore: clock.now)
            let two = try await store.add(key(2), after: nil, removingBefore: clock.now)
            #expect(one == [key(1)])
            #expect(two == one)
        }
    }

    @Test func `no key is in a backup, in any page of it`() async throws {
        try await withTemporaryDirectory { directory in
            let store = try SQLiteStore(path: "\(directory)/s.sqlite")
            let secret = Array(repeating: UInt8(0xab), count: 32)
            let now = Timestamp(milliseconds: 1_000_000)
            _ = try await store.add(SigningKey(secret: secret, created: now), after: nil, removingBefore: now)
            _ = try await store.backup(to: "\(directory)/copy.sqlite") { _ in true }
            #expect(try await store.signingKeys().count == 1)
            let copy = try SQLiteStore(path: "\(directory)/copy.sqlite", mustExist: true)
            #expect(try await copy.signingKeys() == [])
            try copy.close()
            let text = String(repeating: "ab", count: 32)
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasPrefix("copy") {
                let bytes = try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))
                #expect(bytes.range(of: Data(text.utf8)) == nil, "\(name)")
            }
            let mode = try FileManager.default.attributesOfItem(atPath: "\(directory)/s.sqlite")[.posixPermissions]
            #expect((mode as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test func `a token is replaced in one step, once`() async throws {
        try await Self.withStores { store, clock in
            func record(_ id: String) -> TokenRecord {
                TokenRecord(
                    name: "laptop", scope: .work, id: id, hash: Array(repeating: 1, count: 32), created: clock.now)
            }
            try await store.add(record("old"))
            try await store.replaceToken(id: "old", by: record("new"))
            #expect(try await store.tokens() == [record("new")])
            let error = await #expect(throws: PBTError.self) {
                try await store.replaceToken(id: "old", by: record("newer"))
            }
            #expect(error?.code == .unauthorized)
            #expect(try await store.tokens() == [record("new")])
        }
    }
}
