// SPDX-License-Identifier: Apache-2.0

import GRDB
import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The tables, as numbered migrations that are never edited once released.
enum Schema {
    /// The application ID of the file: the letters PBT1.
    static let applicationID = 0x5042_5431

    /// The states in the order of their stored numbers.
    ///
    /// Open states come first, so that `state < 2` means open.
    static let states: [Interval.State] = [.waiting, .running, .done, .diverged, .failed]
    static let checkpointStates: [Interval.CheckpointState] = [.none, .kept, .garbage, .deleted]

    static func prepare(_ pool: DatabasePool, path: String) throws {
        // Checked without a lock first, since most files are up to date.
        if try !isCurrent(pool, path: path) { try migrate(pool) }
    }

    /// Returns true if a file has all tables.
    ///
    /// - Throws: A `PBTError` with code `unusableStore` for a file of another program or of a newer version, and GRDB's
    ///   `DatabaseError`.
    static func isCurrent(_ pool: some DatabaseReader, path: String) throws -> Bool {
        let (id, tables, isCurrent) = try pool.read { db in
            (
                try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                // Another process may be migrating, whose first transaction creates only the list of migrations.
                try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'grdb_migrations'")
                    ?? 0,
                try migrator.hasCompletedMigrations(db)
            )
        }
        guard id == applicationID || tables == 0 else {
            throw PBTError(
                .unusableStore, "\(path) is a SQLite file of another program; name another file with --store")
        }
        if tables > 0, try pool.read(migrator.hasBeenSuperseded) {
            throw PBTError(
                .unusableStore, "\(path) was created by a newer version of pbt; update pbt, or name another file")
        }
        return tables > 0 && isCurrent
    }

    /// Migrates the tables, possibly concurrently with other processes.
    ///
    /// The migrator checks the applied migrations before its transaction starts, so the slower of two processes may
    /// fail because a migration is already applied. Its own is rolled back then, and it retries.
    private static func migrate(_ pool: DatabasePool) throws {
        for triesLeft in (0..<50).reversed() {
            do {
                return try migrator.migrate(pool)
            } catch let error as DatabaseError {
                let isRaced = [.SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_SCHEMA].contains(error.resultCode)
                guard isRaced, triesLeft > 0 else { throw error }
                usleep(UInt32.random(in: 2_000...20_000))
            }
        }
    }

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 experiments, intervals, standings, events") { db in
            // In the same transaction, since each commit to a new file costs several flushes.
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: firstTables)
        }
        migrator.registerMigration("2 late decisions, labels, notes") { db in
            try db.execute(sql: labels)
        }
        migrator.registerMigration("3 tokens") { db in
            try db.execute(
                sql: """
                    CREATE TABLE token (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        name TEXT NOT NULL UNIQUE,
                        scope TEXT NOT NULL,
                        id TEXT NOT NULL UNIQUE,
                        hash TEXT NOT NULL, -- SHA-256 in hexadecimal digits; the secret itself is nowhere
                        created INTEGER NOT NULL,
                        expires INTEGER
                    )
                    """)
        }
        migrator.registerMigration("4 numbers of changes") { db in
            try db.execute(sql: changes)
        }
        migrator.registerMigration("5 failures by worker, one clock for all processes") { db in
            try db.execute(sql: charges)
        }
        migrator.registerMigration("6 revisions") { db in
            try db.execute(sql: revisions)
        }
        migrator.registerMigration("7 time limits by the clock of leases") { db in
            // The creation of the experiment in the time of leases; NULL from an earlier version means `created`.
            try db.execute(sql: "ALTER TABLE experiment ADD COLUMN limit_began INTEGER")
        }
        migrator.registerMigration("8 ties of the best") { db in
            // Of equal scores the one with more training is the best, then the one that finished later.
            try db.execute(
                sql: """
                    DROP INDEX interval_best;
                    CREATE INDEX interval_best ON interval (experiment, rank DESC, depth DESC, sequence DESC)
                        WHERE state = 2;
                    """)
        }
        migrator.registerMigration("9 keys of exchanged tokens") { db in
            try db.execute(
                sql: """
                    CREATE TABLE signing_key (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        secret TEXT NOT NULL, -- 32 bytes in hexadecimal digits; removed from backups
                        created INTEGER NOT NULL
                    )
                    """)
        }
        return migrator
    }

    private static let charges = """
        -- Workers whose attempts have failed since one last succeeded.
        ALTER TABLE experiment ADD COLUMN suspects TEXT;
        -- How many attempts each worker failed.
        ALTER TABLE interval ADD COLUMN failed_by TEXT;
        -- Retries come after what was not tried yet.
        DROP INDEX interval_waiting;
        CREATE INDEX interval_waiting ON interval (experiment, idx, failures, member) WHERE state = 0;
        -- The time of leases: that of a boot's monotonic clock, moved by this many milliseconds.
        CREATE TABLE clock (boot TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
        """

    private static let revisions = """
        -- The number of the newest revision; 0 when the definition was never edited.
        ALTER TABLE experiment ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE revision (
            experiment INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            time INTEGER NOT NULL,
            -- How many intervals had finished, and how many late decisions had been made, when it was recorded.
            finished_intervals INTEGER NOT NULL,
            late_decisions INTEGER NOT NULL,
            definition TEXT NOT NULL,
            PRIMARY KEY (experiment, number)
        ) WITHOUT ROWID;
        """

    private static let labels = """
        ALTER TABLE experiment ADD COLUMN undecided INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE experiment ADD COLUMN late_decisions INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE experiment ADD COLUMN notes TEXT;
        -- Finished and awaiting a late decision about its member.
        ALTER TABLE interval ADD COLUMN undecided INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE interval ADD COLUMN decided_after INTEGER;
        ALTER TABLE interval ADD COLUMN decided_order INTEGER;
        ALTER TABLE interval ADD COLUMN decided_members INTEGER;
        ALTER TABLE interval ADD COLUMN label TEXT;
        ALTER TABLE interval ADD COLUMN notes TEXT;
        CREATE INDEX interval_undecided ON interval (experiment, idx, sequence) WHERE undecided = 1;
        CREATE UNIQUE INDEX interval_label ON interval (experiment, label) WHERE label IS NOT NULL;
        -- The same with what waits alone.
        CREATE INDEX interval_queued ON interval (experiment, idx, member) WHERE state = 0 AND label IS NOT NULL;
        """

    private static let changes = """
        -- The number of the last write to the interval, among all writes to intervals of the experiment, from 1.
        ALTER TABLE interval ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
        UPDATE interval SET changed = number FROM (
            SELECT experiment AS e, member AS m, idx AS i,
                row_number() OVER (PARTITION BY experiment ORDER BY member, idx) AS number
            FROM interval
        ) WHERE experiment = e AND member = m AND idx = i;
        -- The change feed. Not unique: a program of the version before writes no numbers.
        CREATE INDEX interval_changed ON interval (experiment, changed);
        """

    private static let firstTables = """
        CREATE TABLE experiment (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            definition TEXT NOT NULL,
            definition_version INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL,
            reason TEXT,
            created INTEGER NOT NULL,
            ended INTEGER,
            waiting INTEGER NOT NULL DEFAULT 0,
            running INTEGER NOT NULL DEFAULT 0,
            done INTEGER NOT NULL DEFAULT 0,
            diverged INTEGER NOT NULL DEFAULT 0,
            failed INTEGER NOT NULL DEFAULT 0,
            best_member INTEGER,
            best_index INTEGER,
            best_score REAL,
            members_ended INTEGER NOT NULL DEFAULT 0,
            skipped INTEGER NOT NULL DEFAULT 0,
            failures_in_a_row INTEGER NOT NULL DEFAULT 0,
            finished_intervals INTEGER NOT NULL DEFAULT 0,
            generation INTEGER NOT NULL DEFAULT 0,
            generation_began INTEGER NOT NULL
        );
        CREATE TABLE interval (
            experiment INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
            member INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            state INTEGER NOT NULL,
            parent_member INTEGER,
            parent_idx INTEGER,
            depth INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            score REAL,
            rank REAL, -- the score turned so that more is better
            sequence INTEGER,
            checkpoint TEXT,
            checkpoint_state INTEGER NOT NULL,
            pinned INTEGER NOT NULL,
            worker TEXT,
            token TEXT,
            lease_expires INTEGER,
            created INTEGER NOT NULL,
            started INTEGER,
            finished INTEGER,
            reason TEXT,
            metrics TEXT,
            hyperparameters TEXT NOT NULL,
            changes TEXT,
            PRIMARY KEY (experiment, member, idx)
        ) WITHOUT ROWID;
        -- The fair order of claims: the least trained member first.
        CREATE INDEX interval_waiting ON interval (experiment, idx, member) WHERE state = 0;
        CREATE INDEX interval_running ON interval (experiment, lease_expires) WHERE state = 1;
        -- Who still needs a checkpoint.
        CREATE INDEX interval_open_parent ON interval (experiment, parent_member, parent_idx) WHERE state < 2;
        CREATE INDEX interval_best ON interval (experiment, rank DESC, sequence) WHERE state = 2;
        CREATE INDEX interval_kept ON interval (experiment, member, idx) WHERE checkpoint_state = 1;
        CREATE INDEX interval_garbage ON interval (experiment) WHERE checkpoint_state = 2;
        -- How each member stands for the others; without idx: it cannot be ranked.
        CREATE TABLE standing (
            experiment INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
            member INTEGER NOT NULL,
            idx INTEGER,
            revision INTEGER NOT NULL,
            PRIMARY KEY (experiment, member)
        ) WITHOUT ROWID;
        -- Standings that other processes changed since the last read.
        CREATE INDEX standing_revision ON standing (experiment, revision);
        CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            experiment INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            member INTEGER,
            idx INTEGER,
            details TEXT
        );
        CREATE INDEX event_experiment ON event (experiment, id);
        """
}
