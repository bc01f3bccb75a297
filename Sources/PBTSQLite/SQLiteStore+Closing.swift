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
    /// Closes the store: all that was written is in the one file, and the last process out deletes its side files.
    ///
    /// Waits for calls in progress, but no longer for other processes; later calls fail. Without this call the
    /// write-ahead log may be left beside the file, and a copy of the file alone would lack what is in it.
    ///
    /// - Throws: A `PBTError` when the log cannot be written to the file, for example because the disk is full; nothing
    ///   is lost as long as `-wal` stays beside the file.
    public func close() throws {
        guard !isClosed.set() else { return }
        defer { copy?.remove() }
        wait.giveUp()
        let writes = copy == nil && !pool.configuration.readonly
        do {
            // Also of a file that was renamed: it is whole then, wherever it is.
            if writes, place?.change != .replaced {
                // Nobody is waited for: a process that reads or writes now does the same when it is done.
                try BusyWait.$isPatient.withValue(false) {
                    try pool.barrierWriteWithoutTransaction { db in
                        try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                    }
                }
            }
            // The readers first: a connection that only reads cannot delete the side files when it is the last.
            pool.invalidateReadOnlyConnections()
            try pool.close()
            if writes { try sweepSideFiles() }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // The one who keeps it busy does the same when it is done.
            try pool.close()
        } catch let error as DatabaseError {
            throw translated(error)
        }
    }

    /// Deletes the side files unless another process has the store open.
    ///
    /// Of two processes that close at the same moment each may take the other for one that stays.
    private func sweepSideFiles() throws {
        for tries in 0..<4 {
            guard place?.change == nil, StoreFile.sideFiles(of: path).contains(where: StoreFile.exists) else { return }
            if tries > 0 { usleep(UInt32.random(in: 500...5_000)) }
            let last = try DatabaseQueue(path: path)
            try BusyWait.$isPatient.withValue(false) {
                try last.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            }
            try last.close()
        }
    }

    /// Throws when the path no longer names the file that was opened.
    ///
    /// - Throws: A `PBTError` with code ``PBTError/Code/unusableStore``.
    public func checkInPlace() throws {
        try place?.check()
    }
}
