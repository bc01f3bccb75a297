// SPDX-License-Identifier: Apache-2.0

import GRDB
import PBT

/// An experiment in a snapshot of a store, with the checkpoints that the snapshot refers to.
public struct BackupExperiment: Sendable, Hashable {
    /// The number in the store; another experiment of the same name has another one.
    public var id: Int64
    /// The name.
    public var name: String
    /// The names of the checkpoints that it keeps.
    public var checkpoints: [String]
    /// The running attempts.
    public var running: [RunningAttempt]

    /// An attempt at an interval.
    public struct RunningAttempt: Sendable, Hashable {
        /// The member, from 0.
        public var member: Int
        /// The interval's index, from 0.
        public var index: Int
        /// The attempt, from 1.
        public var attempt: Int
    }
}

extension SQLiteStore {
    /// Copies a snapshot of the store to a new file, while others write to the store.
    ///
    /// - Parameters:
    ///   - target: The new file.
    ///   - isWanted: Called with the contents of the snapshot before it is copied, while the snapshot is held; returns
    ///     false to cancel. Must be quick, since the write-ahead log grows meanwhile.
    /// - Returns: The contents of the snapshot, or nil if it was not wanted.
    /// - Throws: A `PBTError`, with code `inputOutput` if the new file cannot be written.
    public func backup(
        to target: String, if isWanted: @escaping @Sendable ([BackupExperiment]) throws -> Bool
    ) async throws -> [BackupExperiment]? {
        try place?.check()
        let contents: [BackupExperiment]?
        do {
            contents = try await pool.read { db in
                let contents = try Self.contents(of: db)
                guard try isWanted(contents) else { return nil }
                try Self.copy(db, to: target)
                return contents
            }
        } catch let error as DatabaseError {
            throw translated(error)
        }
        guard contents != nil else { return nil }
        do {
            let copy = try SQLiteStore(path: target, mustExist: true)
            try await copy.releaseAll(because: "the store was restored from a backup")
            try copy.close()
        } catch let error as PBTError {
            throw PBTError(.inputOutput, "cannot write the copy \(target): \(error.message)")
        }
        return contents
    }

    private static func copy(_ db: Database, to target: String) throws {
        do {
            try StoreFile.create(target)
            let file = try DatabaseQueue(path: target)
            try file.writeWithoutTransaction { copy in
                try db.backup(to: copy)
                // Whoever reads a copy must not be able to sign tokens; the pages are overwritten too.
                try copy.execute(sql: "PRAGMA secure_delete = ON")
                if try copy.tableExists("signing_key") { try copy.execute(sql: "DELETE FROM signing_key") }
            }
            try file.close()
        } catch let error as DatabaseError {
            throw PBTError(.inputOutput, "cannot write the copy \(target): \(error.message ?? "\(error.resultCode)")")
        }
    }

    private static func contents(of db: Database) throws -> [BackupExperiment] {
        let kept = Schema.checkpointStates.firstIndex(of: .kept) ?? 1
        let running = Schema.states.firstIndex(of: .running) ?? 1
        var experiments: [BackupExperiment] = []
        try db.run("SELECT id, name FROM experiment ORDER BY id", []) { row in
            experiments.append(BackupExperiment(id: row[0], name: row[1], checkpoints: [], running: []))
            return true
        }
        for place in experiments.indices {
            experiments[place].checkpoints = try founderCopies(of: experiments[place].id, in: db)
            // Intervals with a label are Schedy's, whose clients own their checkpoints.
            try db.run(
                """
                SELECT checkpoint FROM interval
                WHERE experiment = ? AND checkpoint_state = ? AND checkpoint IS NOT NULL AND label IS NULL
                ORDER BY member, idx
                """, [experiments[place].id, kept]
            ) { row in
                experiments[place].checkpoints.append(row[0])
                return true
            }
            try db.run(
                "SELECT member, idx, attempts FROM interval WHERE experiment = ? AND state = ? ORDER BY member, idx",
                [experiments[place].id, running]
            ) { row in
                experiments[place].running.append(
                    BackupExperiment.RunningAttempt(member: row[0], index: row[1], attempt: row[2]))
                return true
            }
        }
        return experiments
    }

    /// Returns the names of the checkpoints that an experiment's founders continue.
    private static func founderCopies(of id: Int64, in db: Database) throws -> [String] {
        var text: String?
        try db.run("SELECT definition FROM experiment WHERE id = ?", [id]) { row in
            text = row[0]
            return false
        }
        do {
            let experiment = try Experiment(
                document: Document(Value(json: text ?? "")), directory: ".", isStored: true)
            return Set(experiment.founderCheckpoints.all.compactMap { $0.copy?.description }).sorted()
        } catch {
            throw PBTError(.inconsistent, "the stored definition of experiment \(id) cannot be read: \(error)")
        }
    }

    /// Releases all leases, without counting retries, in a copy that has no workers.
    private func releaseAll(because reason: String) async throws {
        try await write(durable: true) { ledger in
            for record in try ledger.records() {
                var record = record
                for running in try ledger.running(in: record, expiredBy: nil, worker: nil) {
                    var interval = running
                    try ledger.release(&interval, because: reason, in: &record)
                }
            }
        }
    }

    /// Checks a store file that no process uses: its pages, indexes, application, and version.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - shown: The name of the file in messages.
    /// - Returns: Its contents.
    /// - Throws: A `PBTError` with code `unusableStore` that describes the problem.
    public static func verify(_ path: String, shown: String) throws -> [BackupExperiment] {
        do {
            // One connection: closing it leaves no side files.
            let file = try DatabaseQueue(path: path)
            // Throws if it is of another program or a newer version.
            _ = try Schema.isCurrent(file, path: shown)
            let (id, problems, orphans, contents) = try file.read { db in
                (
                    try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                    try String.fetchAll(db, sql: "PRAGMA integrity_check(5)"),
                    try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").count, try Self.contents(of: db)
                )
            }
            try file.close()
            guard id == Schema.applicationID else { throw PBTError(.unusableStore, "\(shown) is not a store of pbt") }
            guard problems == ["ok"], orphans == 0 else {
                let what = problems == ["ok"] ? "rows without an experiment" : problems.joined(separator: "; ")
                throw PBTError(.unusableStore, "the store \(shown) is damaged: \(what)")
            }
            return contents
        } catch let error as DatabaseError {
            throw unusable(shown, error)
        }
    }
}
