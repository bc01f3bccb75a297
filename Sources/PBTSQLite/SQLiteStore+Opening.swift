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

extension SQLiteStore {
    /// The access to a store.
    public enum Access: Sendable, Hashable {
        /// Reads and writes; a missing file is created unless it must exist.
        case readWrite
        /// Reads only, also a file, directory, or file system that is not writable, and while others write to the
        /// store. Creates nothing; the file must exist.
        case readOnly
    }

    /// An opened file.
    struct Opened {
        var pool: DatabasePool
        /// The busy handler of its connections.
        var wait: BusyWait
        /// The copy that is read in place of the file.
        var copy: PrivateCopy?
        /// The file that the path referred to; nil if a copy is read, which does not change.
        var place: StorePlace?
    }

    /// Opens a file.
    static func open(_ path: String, _ access: Access, mustExist: Bool, patience: Duration) throws -> Opened {
        let wait = BusyWait(patience: patience)
        try checkPlace(path, mustExist: mustExist || access == .readOnly)
        if StoreFile.exists(path) || access == .readOnly {
            if !StoreFile.isWritable(path) {
                guard access == .readOnly else { throw unwritable(path) }
                return try openReadOnly(path, wait, patience: patience)
            }
        } else {
            try StoreFile.create(path)
        }
        for _ in 0..<20 {
            let place = try StorePlace(path)
            let pool = try makePool(path, wait, patience: patience)
            if place.change == nil { return Opened(pool: pool, wait: wait, place: place) }
        }
        throw PBTError(.storeBusy, "the store \(path) is being replaced by another file; try again later")
    }

    /// Opens a file and creates or migrates its tables.
    ///
    /// When several processes create a file concurrently, SQLite refuses some without calling the busy handler: one
    /// that switches to the write-ahead log has read before, and a reader is not allowed to wait. Those are retried.
    private static func makePool(
        _ path: String, shown: String? = nil, _ wait: BusyWait, patience: Duration
    ) throws -> DatabasePool {
        let end = ContinuousClock.now.advanced(by: patience)
        while true {
            do {
                let pool = try DatabasePool(path: path, configuration: configuration(wait))
                try Schema.prepare(pool, path: shown ?? path)
                return pool
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < end {
                BusyWait.pause(tries: 50)
            }
        }
    }

    /// Opens a file that may only be read.
    ///
    /// If both side files exist, another process has the store open, or had when it was killed: SQLite reads it in
    /// place and sees the writes of others. Otherwise SQLite would have to create them, so a copy is read.
    private static func openReadOnly(_ path: String, _ wait: BusyWait, patience: Duration) throws -> Opened {
        let copy: PrivateCopy
        if StoreFile.sideFiles(of: path).allSatisfy(StoreFile.isReadable) {
            do {
                let place = try StorePlace(path)
                var settings = configuration(wait)
                settings.readonly = true
                let pool = try DatabasePool(path: path, configuration: settings)
                if try Schema.isCurrent(pool, path: path) { return Opened(pool: pool, wait: wait, place: place) }
                copy = try PrivateCopy()
                let target = try DatabaseQueue(path: copy.path)
                try pool.backup(to: target)
                try target.close()
                try pool.close()
                return Opened(
                    pool: try makePool(copy.path, shown: path, wait, patience: patience), wait: wait, copy: copy)
            } catch let error as DatabaseError where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode) {
                // Side files of a killed process that cannot be locked.
            }
        }
        let fresh = try PrivateCopy()
        try fresh.fill(from: path)
        return Opened(pool: try makePool(fresh.path, shown: path, wait, patience: patience), wait: wait, copy: fresh)
    }

    private static func unwritable(_ path: String) -> PBTError {
        PBTError(
            .unusableStore,
            "the store \(path) may only be read: check its permissions, its directory's, and the file system's. It can "
                + "be read as it is (list, show, best, explain, plot, report, export)")
    }

    private static func configuration(_ wait: BusyWait) -> Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = 3
        configuration.persistentReadOnlyConnections = true
        configuration.busyMode = .callback(wait.wait)
        configuration.prepareDatabase { db in
            // A page cache of 1 MiB per connection: enough for the hot rows of 10,000 members.
            try db.execute(sql: "PRAGMA cache_size = -1024")
        }
        return configuration
    }

    /// Checks a path in advance, since the errors of SQLite are less helpful.
    static func checkPlace(_ path: String, mustExist: Bool) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR {
                throw PBTError(
                    .unusableStore, "\(path) is a directory; name a file in it, for example \(path)/pbt.sqlite")
            }
            return
        }
        if mustExist {
            throw PBTError(
                .unusableStore,
                "there is no store \(path); say where it is with --store FILE or PBT_STORE, or create one with: "
                    + "pbt run FILE")
        }
        let directory = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        guard directory.isEmpty || stat(directory, &status) == 0 else {
            throw PBTError(.unusableStore, "there is no directory \(directory) for the store \(path); create it first")
        }
    }

    static func unusable(_ path: String, _ error: DatabaseError) -> PBTError {
        switch error.resultCode {
        case .SQLITE_NOTADB: PBTError(.unusableStore, "\(path) is not a SQLite file; name another file with --store")
        case .SQLITE_CORRUPT:
            PBTError(
                .unusableStore,
                "the store \(path) is damaged (\(error.message ?? "malformed")); restore it from a copy, or save what "
                    + "can be read with: sqlite3 \(path) .recover")
        case .SQLITE_READONLY, .SQLITE_PERM:
            PBTError(
                .unusableStore,
                "the store \(path) cannot be written: \(error.message ?? "read-only"); check its permissions")
        case .SQLITE_CANTOPEN:
            PBTError(.unusableStore, "the store \(path) cannot be opened; check its permissions and its directory's")
        case .SQLITE_BUSY:
            PBTError(.storeBusy, "the store \(path) is busy: other processes have kept it locked; try again later")
        default:
            PBTError(
                .unusableStore, "the store \(path) cannot be used: \(error.message ?? "error \(error.resultCode)")")
        }
    }
}
