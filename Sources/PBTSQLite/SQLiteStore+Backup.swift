// SPDX-License-Identifier: Apache-2.0

import GRDB
import PBT

/// An experiment in a snapshot of a store, with the files that the snapshot relies on.
public struct BackupExperiment: Sendable, Hashable {
    /// Its number in the store; another experiment of the same name has another one.
    public var id: Int64
    /// Its name.
    public var name: String
    /// The names of the checkpoints that it keeps.
    public var checkpoints: [String]
    /// The attempts that were running, as interval and attempt.
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
    /// Copies the store as of one moment to a new file, while others write to it.
    ///
    /// - Parameters:
    ///   - target: The new file.
    ///   - isWanted: Called with what the snapshot holds before it is copied, while the snapshot is held; false:
    ///     nothing is copied. Must be quick: the write-ahead log grows meanwhile.
    /// - Returns: What the snapshot holds, or nil when it was not wanted.
    /// - Throws: A `PBTError`: with code `inputOutput` when the new file cannot be written.
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
            try file.writeWithoutTransaction { try db.backup(to: $0) }
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
            // A label is Schedy's, whose checkpoints are its clients' own.
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

    /// The copies of checkpoints that an experiment's founders continue.
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

    /// Takes back every lease, which costs no retry: for a copy that no worker works on.
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

    /// Checks a store file that no process uses: its pages, its indexes, whose it is, and of which version.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - shown: What messages call it.
    /// - Returns: What it holds.
    /// - Throws: A `PBTError` with code `unusableStore` that says what is wrong.
    public static func verify(_ path: String, shown: String) throws -> [BackupExperiment] {
        do {
            // One connection: when it is closed, no side file is left.
            let file = try DatabaseQueue(path: path)
            // Of another program, or a newer version: an error.
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
