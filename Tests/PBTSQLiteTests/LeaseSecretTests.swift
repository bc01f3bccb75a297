// SPDX-License-Identifier: Apache-2.0

import GRDB
import PBT
import PBTTesting
import Testing

@testable import PBTSQLite

@Suite struct LeaseSecretTests {
    private static let experiment = Experiment(
        "e", objective: .maximize("score"), population: 4, intervals: 2, seed: 1, space: ["x": .uniform(0...1)])
    private static let key = "0123456789abcdefghijkl"

    /// Whether a call fails because the lease is not valid.
    private func isRefused(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return false
        } catch let error as PBTError where error.code == .leaseLost {
            return true
        }
    }

    private func check(_ store: any Store) async throws {
        _ = try await store.create(Self.experiment)
        let keyed = try await store.claim(2, from: "e", by: "w", for: .seconds(60), key: Self.key)
        let free = try await store.claim(1, from: "e", by: "w", for: .seconds(60), key: nil)
        for assignment in keyed.assignments + free.assignments {
            let stored = try #require(try await store.interval(assignment.interval.id, of: "e").token)
            #expect(stored.hasPrefix("sha256:"))
            #expect(!stored.contains(assignment.lease.token) && !stored.contains(Self.key))
            var forged = assignment.lease
            forged.token = stored
            let outcome = Outcome.trained(
                score: 1, metrics: [:], checkpoint: "m000\(assignment.interval.id.member)-i0000-a1")
            #expect(try await isRefused { _ = try await store.renew(forged, for: .seconds(9)) })
            #expect(try await isRefused { _ = try await store.finish(forged, outcome) })
            _ = try await store.renew(assignment.lease, for: .seconds(60))
            #expect(try await store.finish(assignment.lease, outcome).interval.state == .done)
            // The repeated call gets the result again; the stored form does not.
            #expect(try await store.finish(assignment.lease, outcome).interval.state == .done)
            #expect(try await isRefused { _ = try await store.finish(forged, outcome) })
        }
    }

    @Test func `a store in memory keeps no lease's token in the clear, and the stored form gives no right`()
        async throws
    {
        try await check(InMemoryStore())
    }

    @Test func `a store in a file keeps no lease's token in the clear, and the stored form gives no right`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            try await check(try SQLiteStore(path: "\(directory)/store.sqlite"))
        }
    }

    @Test func `a lease of an earlier version, stored in the clear, stays valid and is found by its key`() async throws
    {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let store = try SQLiteStore(path: path)
            _ = try await store.create(Self.experiment)
            let claims = try await store.claim(2, from: "e", by: "w", for: .seconds(60), key: Self.key)
            // As version 0.2 wrote them.
            try await DatabaseQueue(path: path).write { db in
                for (place, assignment) in claims.assignments.enumerated() {
                    try db.execute(
                        sql: "UPDATE interval SET token = ? WHERE member = ?",
                        arguments: ["\(Self.key).\(place)", assignment.interval.id.member])
                }
            }
            let repeated = try await store.claim(2, from: "e", by: "w", for: .seconds(60), key: Self.key)
            #expect(repeated.assignments.map(\.lease.token) == ["\(Self.key).0", "\(Self.key).1"])
            #expect(repeated.assignments.map(\.interval.id) == claims.assignments.map(\.interval.id))
            _ = try await store.renew(claims.assignments[0].lease, for: .seconds(60))
            let outcome = Outcome.trained(score: 1, metrics: [:], checkpoint: "m0000-i0000-a1")
            #expect(try await store.finish(claims.assignments[0].lease, outcome).interval.state == .done)
        }
    }

    @Test func `SHA-256 is that of the standard`() {
        let digests = [
            "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ]
        for (text, digest) in digests { #expect(Hex.text(of: SecureHash.sha256(Array(text.utf8))) == digest) }
    }
}
