// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import PBT
import PBTTesting
import Testing

@testable import PBTSQLite

/// Numbers that a store's file holds since an older version wrote them, or since it was damaged.
@Suite struct `A row with a number beyond its bounds` {
    private static let experiment = Experiment(
        "e", objective: .maximize("score"), population: 2, intervals: 3, seed: 1, space: ["x": .uniform(0...1)])

    /// A store with one finished interval and one that is leased.
    private func prepare(_ path: String) async throws -> Lease {
        let store = try SQLiteStore(path: path)
        _ = try await store.create(Self.experiment)
        let claims = try await store.claim(2, from: "e", by: "w", for: .seconds(600), key: nil)
        let lease = claims.assignments[0].lease
        _ = try await store.finish(
            lease, .trained(score: 1, metrics: [:], checkpoint: "\(lease.checkpointName)"))
        return claims.assignments[1].lease
    }

    private func execute(_ path: String, _ sql: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }

    @Test(arguments: [#""best":9223372036854775807,"last":1"#, #""best":1,"last":9223372036854775807"#])
    func `in the definition is read, and the experiment goes on`(_ keep: String) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            let lease = try await prepare(path)
            try execute(
                path, "UPDATE experiment SET definition = replace(definition, '\"best\":1,\"last\":1', '\(keep)')")
            let store = try SQLiteStore(path: path)
            let record = try await store.record(of: "e")
            #expect(max(record.experiment.keep.best, record.experiment.keep.last) == .max)
            _ = try await store.finish(
                lease, .trained(score: 2, metrics: [:], checkpoint: "\(lease.checkpointName)"))
            while let next = try await store.claim(1, from: "e", by: "w", for: .seconds(60), key: nil).assignments.first
            {
                _ = try await store.finish(
                    next.lease, .trained(score: 3, metrics: [:], checkpoint: "\(next.lease.checkpointName)"))
            }
            #expect(try await store.record(of: "e").state == .finished)
        }
    }

    static let columns = [
        "member", "idx", "state", "parent_member", "depth", "attempts", "failures", "sequence", "checkpoint_state",
        "lease_expires", "created", "started", "finished",
    ]

    @Test(arguments: columns, [Int64.max, .min]) func `in an interval is an error that names it`(
        _ column: String, _ number: Int64
    ) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            _ = try await prepare(path)
            try execute(path, "UPDATE interval SET \(column) = \(number), parent_idx = 0 WHERE member = 0 AND idx = 0")
            let store = try SQLiteStore(path: path)
            do {
                _ = try await store.intervals(of: "e")
                Issue.record("\(column) = \(number) was read")
            } catch let error as PBTError {
                #expect(error.code == .inconsistent && error.message.contains("is damaged"), "\(error)")
            }
        }
    }

    @Test(arguments: [
        "waiting", "running", "done", "best_member", "members_ended", "skipped", "failures_in_a_row",
        "finished_intervals", "generation", "undecided", "late_decisions", "created", "generation_began",
    ]) func `in an experiment is an error that names it`(_ column: String) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            _ = try await prepare(path)
            try execute(path, "UPDATE experiment SET \(column) = 9223372036854775807")
            let store = try SQLiteStore(path: path)
            do {
                _ = try await store.record(of: "e")
                Issue.record("\(column) was read")
            } catch let error as PBTError {
                #expect(error.code == .inconsistent, "\(error)")
                #expect(error.message.contains("the store's row of experiment \"e\" is damaged"), "\(error)")
            }
        }
    }

    @Test func `of members ends the growth of an open search`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/s.sqlite"
            let store = try SQLiteStore(path: path)
            _ = try await store.create(
                Experiment(
                    "open", kind: .randomSearch, objective: .maximize("score"), population: 0, intervals: 1,
                    space: ["x": .uniform(0...1)], isOpen: true))
            try execute(
                path,
                "UPDATE experiment SET definition_version = 9, definition = replace(definition, '\"population\":0', '\"population\":1000000')"
            )
            let again = try SQLiteStore(path: path)
            #expect(try await again.record(of: "open").experiment.population == 1_000_000)
            let claims = try await again.claim(1, from: "open", by: "w", for: .seconds(60), key: nil)
            #expect(claims.assignments.isEmpty)
            await #expect(throws: PBTError.self) { try await again.push(["x": 0.5], to: "open") }
            #expect(try await again.record(of: "open").experiment.population == 1_000_000)
        }
    }
}
