// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import PBT
import PBTTesting
import Testing

@testable import PBTSQLite

@Suite struct SQLiteStoreTests {
    /// Decides early, as definitions from before the timing was named do.
    private static let experiment = Experiment(
        "e", objective: .maximize("score"), population: 3, intervals: 3, seed: 1, space: ["x": .uniform(0...1)],
        decides: .early)

    /// Message of the error that opening gives.
    private func opening(_ path: String, mustExist: Bool = false) -> (PBTError.Code?, String) {
        do {
            _ = try SQLiteStore(path: path, mustExist: mustExist)
            return (nil, "")
        } catch let error as PBTError {
            return (error.code, error.message.replacing(path, with: "PATH"))
        } catch {
            return (nil, "another error: \(error)")
        }
    }

    @Test func `many that make the same new file at once all get it`() async throws {
        try await withTemporaryDirectory { directory in
            for round in 0..<20 {
                let path = "\(directory)/\(round).sqlite"
                try await withThrowingTaskGroup(of: SQLiteStore.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            // On threads of their own: opening waits for locks and the disk.
                            try await withCheckedThrowingContinuation { opened in
                                Thread.detachNewThread { opened.resume(with: Result { try SQLiteStore(path: path) }) }
                            }
                        }
                    }
                    for try await store in group { #expect(try await store.experiments().isEmpty) }
                }
            }
        }
    }

    @Test func `what cannot be a store is refused with a remedy, and left as it is`() async throws {
        try await withTemporaryDirectory { directory in
            let text = "\(directory)/text"
            try Data("this is no database at all, but a text that is long enough to be read as one".utf8)
                .write(to: URL(filePath: text))
            let foreign = "\(directory)/foreign.sqlite"
            try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE t (x)") }
            let newer = "\(directory)/newer.sqlite"
            _ = try SQLiteStore(path: newer)
            try DatabaseQueue(path: newer).write {
                try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999 from the future')")
            }
            let cases: [(String, Bool, String)] = [
                (directory, false, "PATH is a directory; name a file in it, for example PATH/pbt.sqlite"),
                (text, false, "PATH is not a SQLite file; name another file with --store"),
                (foreign, false, "PATH is a SQLite file of another program; name another file with --store"),
                (newer, false, "PATH was created by a newer version of pbt; update pbt, or name another file"),
                (
                    "\(directory)/none.sqlite", true,
                    "there is no store PATH; say where it is with --store FILE or PBT_STORE, or create one with: pbt run FILE"
                ),
                (
                    "\(directory)/no/such/x.sqlite", false,
                    "there is no directory \(directory)/no/such for the store PATH; create it first"
                ),
            ]
            for (path, mustExist, message) in cases {
                let (code, text) = opening(path, mustExist: mustExist)
                #expect(code == .unusableStore)
                #expect(text == message)
            }
            #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("this is no database"))
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/none.sqlite"))
        }
    }

    @Test func `a store that another process keeps locked is busy, and says so`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let store = try SQLiteStore(path: path, patience: .milliseconds(50))
            _ = try await store.create(Self.experiment)
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            try await other.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN IMMEDIATE")
            }
            await #expect {
                _ = try await store.claim(from: "e", by: "w", for: .seconds(1))
            } throws: { error in
                (error as? PBTError)?.code == .storeBusy
            }
            // Reading goes on meanwhile, and writing once the lock is gone.
            #expect(try await store.record(of: "e").counts[.waiting] == 3)
            try await other.writeWithoutTransaction { db in
                try db.execute(sql: "ROLLBACK")
            }
            guard case .assignment = try await store.claim(from: "e", by: "w", for: .seconds(1)) else {
                Issue.record("nothing to claim")
                return
            }
        }
    }

    @Test func `a strategy that is missing when an interval finishes loses nothing`() async throws {
        struct Nobody: ExploitStrategy {
            func donor(
                for member: Population.Member, in population: Population, using random: inout RandomStream
            ) -> Int? { nil }
        }
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let knowing = try SQLiteStore(path: path, strategies: Strategies(exploit: ["nobody": Nobody()]))
            var experiment = Self.experiment
            experiment.exploit = .custom("nobody")
            _ = try await knowing.create(experiment)
            let ignorant = try SQLiteStore(path: path)
            guard case .assignment(let assignment) = try await ignorant.claim(from: "e", by: "w", for: .seconds(60))
            else {
                Issue.record("nothing to claim")
                return
            }
            let outcome = Outcome.trained(score: 1, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)")
            await #expect {
                _ = try await ignorant.finish(assignment.lease, outcome)
            } throws: { error in
                (error as? PBTError)?.code == .noSuchStrategy
            }
            #expect(try await ignorant.interval(assignment.interval.id, of: "e").state == .running)
            #expect(try await knowing.finish(assignment.lease, outcome).interval.state == .done)
        }
    }

    @Test func `a handle sees what another did to the standings before it decides`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let a = try SQLiteStore(path: path)
            let b = try SQLiteStore(path: path)
            var experiment = Self.experiment
            experiment.exploit = .truncation(0.5)
            _ = try await a.create(experiment)
            func take(_ store: SQLiteStore) async throws -> Assignment {
                guard case .assignment(let assignment) = try await store.claim(from: "e", by: "w", for: .seconds(60))
                else { throw PBTError(.wrongState, "nothing to claim") }
                return assignment
            }
            func finish(_ store: SQLiteStore, _ assignment: Assignment, _ score: Double) async throws -> Finished {
                try await store.finish(
                    assignment.lease,
                    .trained(score: score, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)"))
            }
            let (first, second, third) = (try await take(a), try await take(b), try await take(a))
            _ = try await finish(a, first, 3)
            _ = try await take(a)
            _ = try await finish(b, second, 2)
            let decision = try await finish(a, third, 1).decisions.first
            #expect(decision?.outcome == .exploits(first.interval.id))
        }
    }

    /// Migrations are never edited once released, so each file made up to one of them is as a program of then made it.
    @Test(arguments: Schema.migrator.migrations)
    func `a file of each earlier version is taken over with all that is in it`(version: String) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let queue = try DatabaseQueue(path: path)
            try Schema.migrator.migrate(queue, upTo: version)
            try await queue.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO experiment (name, definition, state, created, waiting, done, finished_intervals,
                            generation_began) VALUES ('e', ?, 'running', 1, 1, 1, 1, 1);
                        INSERT INTO interval (experiment, member, idx, state, depth, attempts, failures, score, rank,
                            sequence, checkpoint, checkpoint_state, pinned, created, hyperparameters)
                        VALUES (1, 0, 0, 2, 1, 1, 0, 0.5, 0.5, 0, 'm0000-i0000-a1', 1, 0, 1, '{"x": 0.5}');
                        INSERT INTO interval (experiment, member, idx, state, parent_member, parent_idx, depth,
                            attempts, failures, checkpoint_state, pinned, created, hyperparameters)
                        VALUES (1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 1, '{"x": 0.5}');
                        """, arguments: [Self.experiment.value.json])
            }
            try queue.close()
            let store = try SQLiteStore(path: path)
            let claim = try await store.claim(from: "e", by: "w", for: .seconds(60))
            guard case .assignment(let assignment) = claim else {
                Issue.record("nothing to claim")
                return
            }
            #expect(assignment.interval.id == IntervalID(member: 0, index: 1))
            #expect(assignment.parentCheckpoint == "m0000-i0000-a1")
            let finished = try await store.finish(
                assignment.lease, .trained(score: 0.75, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)"))
            #expect(finished.record.experiment == Self.experiment)
            #expect(finished.record.intervalsFinished == 2)
            #expect(try await store.intervals(of: "e").allSatisfy { !$0.isUndecided && $0.label == nil })
            #expect(try await store.revisions(of: "e").map(\.number) == [0])
            try store.close()
            // What was taken over is as what is new.
            let fresh = try DatabaseQueue(path: "\(directory)/fresh.sqlite")
            try Schema.migrator.migrate(fresh)
            func tables(_ queue: DatabaseQueue) throws -> [String] {
                try queue.read {
                    try String.fetchAll($0, sql: "SELECT coalesce(sql, '') FROM sqlite_master ORDER BY name")
                }
            }
            #expect(try tables(DatabaseQueue(path: path)) == tables(fresh))
        }
    }

    @Test(arguments: [SQLiteStore.Access.readWrite, .readOnly])
    func `a file of a newer version is refused, and left as it is`(
        access: SQLiteStore.Access
    ) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let store = try SQLiteStore(path: path)
            _ = try await store.create(Self.experiment)
            try store.close()
            let queue = try DatabaseQueue(path: path)
            try await queue.write {
                try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999 from the future')")
                try $0.execute(sql: "ALTER TABLE interval ADD COLUMN unknown TEXT NOT NULL DEFAULT ''")
            }
            func contents() throws -> [[Row]] {
                try queue.read { db in
                    try ["sqlite_master", "grdb_migrations", "experiment", "interval", "standing", "event", "clock"].map
                    {
                        try Row.fetchAll(db, sql: "SELECT * FROM \($0)")
                    }
                }
            }
            let before = try contents()
            do {
                _ = try SQLiteStore(path: path, access: access)
                Issue.record("it was opened")
            } catch let error as PBTError {
                #expect(error.code == .unusableStore)
                #expect(
                    error.message == "\(path) was created by a newer version of pbt; update pbt, or name another file")
            }
            #expect(try contents() == before)
        }
    }

    @Test func `a program that knows no numbers of changes goes on writing beside one that does`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let store = try SQLiteStore(path: path)
            _ = try await store.create(Self.experiment)
            let older = try DatabaseQueue(path: path)
            for member in [7, 8, 9] {
                try await older.write { db in
                    try db.execute(
                        sql: """
                            INSERT INTO interval (experiment, member, idx, state, depth, attempts, failures,
                                checkpoint_state, pinned, created, hyperparameters)
                            VALUES (1, ?, 0, 0, 1, 0, 0, 0, 0, 1, '{"x": 0.5}');
                            """, arguments: [member])
                    try db.execute(sql: "UPDATE interval SET attempts = 1 WHERE member = ?", arguments: [member])
                }
            }
            let cursor = try await store.changes(of: "e", since: nil).cursor
            #expect(try await store.changes(of: "e", since: nil).intervals.suffix(3).map(\.id.member) == [7, 8, 9])
            // What is written by one that knows them has a number again.
            let claim = try await store.claim(from: "e", by: "w", for: .seconds(60))
            guard case .assignment(let assignment) = claim else {
                Issue.record("nothing to claim")
                return
            }
            let changed = try await store.changes(of: "e", since: cursor).intervals.map(\.id)
            #expect(changed == [assignment.interval.id])
        }
    }

    @Test func `migrations are numbered in order, none twice`() {
        let numbers = Schema.migrator.migrations.map { $0.split(separator: " ").first.flatMap { Int($0) } }
        #expect(numbers == Array(1...numbers.count))
    }

    @Test func `no query of the hot path reads more rows than it returns`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            _ = try await SQLiteStore(path: path).create(Self.experiment)
            let queries = [
                "SELECT 1 FROM interval INDEXED BY interval_waiting WHERE experiment = 1 AND state = 0 AND (lease_expires IS NULL OR lease_expires <= 5) ORDER BY idx, failures, member",
                "SELECT 1 FROM interval INDEXED BY interval_queued WHERE experiment = 1 AND state = 0 AND label IS NOT NULL AND (lease_expires IS NULL OR lease_expires <= 5) ORDER BY idx, member LIMIT 1",
                "SELECT 1 FROM interval INDEXED BY interval_undecided WHERE experiment = 1 AND undecided = 1 ORDER BY idx, sequence LIMIT 1",
                "SELECT 1 FROM interval INDEXED BY interval_label WHERE experiment = 1 AND label = 'a'",
                "SELECT 1 FROM interval WHERE experiment = 1 AND (member, idx) > (1, 1) AND label IS NOT NULL ORDER BY member, idx LIMIT 2",
                "SELECT member, idx FROM interval INDEXED BY interval_best WHERE experiment = 1 AND state = 2 ORDER BY rank DESC, depth DESC, sequence DESC LIMIT 2",
                "SELECT 1 FROM interval INDEXED BY interval_kept WHERE experiment = 1 AND member = 1 AND checkpoint_state = 1 ORDER BY idx",
                "SELECT 1 FROM interval INDEXED BY interval_open_parent WHERE experiment = 1 AND parent_member = 1 AND parent_idx = 1 AND state < 2 LIMIT 1",
                "SELECT max(changed) FROM interval INDEXED BY interval_changed WHERE experiment = 1",
                "SELECT member, state FROM interval INDEXED BY interval_changed WHERE experiment = 1 AND changed > 5 ORDER BY changed LIMIT 2",
                "SELECT member, state FROM interval WHERE experiment = 1 AND (member, idx) > (1, 1) ORDER BY member, idx LIMIT 2",
            ]
            let plans = try await DatabaseQueue(path: path).read { db in
                try queries.map { try String.fetchAll(db, Row.explainPlan($0)).joined(separator: "; ") }
            }
            for plan in plans {
                #expect(plan.hasPrefix("SEARCH"), "\(plan)")
                #expect(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "\(plan)")
            }
        }
    }
}

extension Row {
    /// The plan of a query: its details, a row a step.
    fileprivate static func explainPlan(_ sql: String) -> AdaptedFetchRequest<SQLRequest<String>> {
        SQLRequest<String>(sql: "EXPLAIN QUERY PLAN \(sql)").adapted { _ in SuffixRowAdapter(fromIndex: 3) }
    }
}
