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
    /// Closes the store: writes the write-ahead log to the file; the last process deletes the side files.
    ///
    /// Waits for calls in progress, but not for other processes; later calls fail. Without this call the write-ahead
    /// log may remain next to the file, and a copy of the file alone would be incomplete.
    ///
    /// - Throws: A `PBTError` if the log cannot be written to the file, for example because the disk is full; nothing
    ///   is lost as long as `-wal` stays next to the file.
    public func close() throws {
        guard !isClosed.set() else { return }
        defer { copy?.remove() }
        wait.giveUp()
        let writes = copy == nil && !pool.configuration.readonly
        do {
            // Also if the file was renamed, so that it is complete wherever it is.
            if writes, place?.change != .replaced {
                // Does not wait: another process that is active does the same when it is done.
                try BusyWait.$isPatient.withValue(false) {
                    try pool.barrierWriteWithoutTransaction { db in
                        try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                    }
                }
            }
            // Readers first: a read-only connection cannot delete the side files if it is the last.
            pool.invalidateReadOnlyConnections()
            try pool.close()
            if writes { try sweepSideFiles() }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // The process that keeps it busy does the same when it is done.
            try pool.close()
        } catch let error as DatabaseError {
            throw translated(error)
        }
    }

    /// Deletes the side files unless another process has the store open.
    ///
    /// Of two processes that close concurrently, each may take the other for one that stays.
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

    /// Throws if the path no longer refers to the file that was opened.
    ///
    /// - Throws: A `PBTError` with code ``PBTError/Code/unusableStore``.
    public func checkInPlace() throws {
        try place?.check()
    }
}
