// SPDX-License-Identifier: Apache-2.0

import GRDB
public import PBT
import Synchronization

/// A store in one SQLite file, for any number of processes on one machine.
///
/// - **Process crash** (kill -9 of anything, at any time): nothing that a call returned is lost.
/// - **Crash of the operating system, power cut**: what decides the search is on the disk when the call returns
///   (`finish`, `create`, `push`, `pause`, `resume`, `stop`, `remove`, `edit`, `pin`: `synchronous = FULL`). What only
///   hands out work (`claim`, `renew`, `release`) may be lost, and is then handed out again. The file stays sound.
/// - **Fairness**: a process that finds the file locked tries again after a short random sleep. SQLite's own busy
///   timeout sleeps longer and longer, and starves all processes but one when they are many.
///
/// The file must be on a local disk: SQLite's write-ahead log needs shared memory, which network file systems lack.
public final class SQLiteStore: TransactionalStore {
    package typealias Rows = SQLiteLedger

    private let pool: DatabasePool
    private let clock: StoreClock
    private let strategies: Strategies
    private let signal = EventSignal()
    /// Used on the one writing connection only, or on a reader's, each with its own.
    private let caches = Mutex<[ObjectIdentifier: SQLiteLedger.Cache]>([:])

    /// How many calls wait, or may wait, for another process.
    private let waiting = Atomic<Int>(0)

    /// The file's path.
    public let path: String

    /// Opens a store, and creates it if need be.
    ///
    /// - Parameters:
    ///   - path: The file; its directory must exist.
    ///   - mustExist: Whether a missing file is an error instead of a new store.
    ///   - patience: How long a call waits for other processes before it fails with ``PBTError/Code/storeBusy``.
    ///   - clock: The time it goes by.
    ///   - strategies: The strategies written in Swift that its experiments may name.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/unusableStore`` when the file cannot be opened, is no SQLite
    ///   file, belongs to another program, or was made by a newer version of this one.
    public init(
        path: String, mustExist: Bool = false, patience: Duration = .seconds(60), clock: StoreClock = .system,
        strategies: Strategies = Strategies()
    ) throws {
        self.path = path
        self.clock = clock
        self.strategies = strategies
        try Self.checkPlace(path, mustExist: mustExist)
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration(patience: patience))
            try Schema.prepare(pool, path: path)
        } catch let error as DatabaseError {
            throw Self.unusable(path, error)
        }
    }

    private static func configuration(patience: Duration) -> Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = 3
        configuration.persistentReadOnlyConnections = true
        configuration.busyMode = .callback(BusyWait(patience: patience).wait)
        configuration.prepareDatabase { db in
            // A page cache of 1 MiB a connection: the hot rows of 10,000 members, and little memory.
            try db.execute(sql: "PRAGMA cache_size = -1024")
        }
        return configuration
    }

    package func write<Result: Sendable>(
        durable isDurable: Bool, _ body: @escaping @Sendable (SQLiteLedger) throws -> Result
    ) async throws -> Result {
        let (result, last) =
            if let now = try writeNow(durable: isDurable, body) { now } else {
                try await writeLater(durable: isDurable, body)
            }
        signal.raise(to: last)
        return result
    }

    /// Runs a transaction on the calling thread, unless another process has the file locked, or a call of this process
    /// waits for one that has.
    ///
    /// Handing it to a thread of the connection's and the answer back costs nearly as much as the transaction. The
    /// calling thread is kept no longer than the transactions of this process last.
    ///
    /// - Returns: Nothing when it would have to wait for another process.
    private func writeNow<Result>(
        durable isDurable: Bool, _ body: (SQLiteLedger) throws -> Result
    ) throws -> (Result, Int64)? {
        guard waiting.load(ordering: .relaxed) == 0 else { return nil }
        do {
            return try BusyWait.$isPatient.withValue(false) {
                try pool.writeWithoutTransaction { try transact($0, durable: isDurable, body) }
            }
        } catch let error as PBTError where error.code == .storeBusy {
            return nil
        }
    }

    /// Runs a transaction on a thread of the connection's, and waits for other processes there.
    private func writeLater<Result: Sendable>(
        durable isDurable: Bool, _ body: @escaping @Sendable (SQLiteLedger) throws -> Result
    ) async throws -> (Result, Int64) {
        waiting.add(1, ordering: .relaxed)
        defer { waiting.subtract(1, ordering: .relaxed) }
        // GRDB's own async functions end a transaction when the task is cancelled. A trained interval must be recorded
        // all the same, so this goes through a continuation that cancellation does not reach.
        return try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<(Result, Int64), any Error>) in
            pool.asyncWriteWithoutTransaction { db in
                continuation.resume(with: Swift.Result { try self.transact(db, durable: isDurable, body) })
            }
        }
    }

    private func transact<Result>(
        _ db: Database, durable isDurable: Bool, _ body: (SQLiteLedger) throws -> Result
    ) throws -> (Result, Int64) {
        let cache = cache(of: db)
        do {
            if cache.isDurable != isDurable {
                try db.execute(sql: isDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
                cache.isDurable = isDurable
            }
            let ledger = SQLiteLedger(db: db, cache: cache, now: clock.now(), strategies: strategies)
            // Not by GRDB's own function, which compiles these statements anew each time.
            try db.run("BEGIN IMMEDIATE", [])
            do {
                let result = try body(ledger)
                try db.run("COMMIT", [])
                return (result, ledger.appended)
            } catch {
                // Some errors of SQLite's end the transaction themselves.
                if db.isInsideTransaction { try db.run("ROLLBACK", []) }
                throw error
            }
        } catch let error as DatabaseError {
            cache.forget()
            throw translated(error)
        } catch {
            // Whatever the transaction had changed in the cache is not in the file.
            cache.forget()
            throw error
        }
    }

    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (SQLiteLedger) throws -> Result
    ) async throws -> Result {
        do {
            return try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Result, any Error>) in
                pool.asyncRead { access in
                    continuation.resume(
                        with: Swift.Result {
                            let db = try access.get()
                            return try body(
                                SQLiteLedger(
                                    db: db, cache: SQLiteLedger.Cache(), now: self.clock.now(),
                                    strategies: self.strategies))
                        })
                }
            }
        } catch let error as DatabaseError {
            throw translated(error)
        }
    }

    /// Returns as soon as there is an event after a given one, in this process or another, or when the time is over.
    ///
    /// Other processes are noticed within 25 ms.
    public func waitForEvents(after last: Int64, for time: Duration) async throws {
        let slice = Duration.milliseconds(25)
        let end = ContinuousClock.now.advanced(by: time)
        while true {
            try Task.checkCancellation()
            if try await lastEvent() > last { return }
            let left = end - ContinuousClock.now
            guard left > .zero else { return }
            try await signal.wait(after: last, for: min(slice, left))
        }
    }

    private func cache(of db: Database) -> SQLiteLedger.Cache {
        caches.withLock { caches in
            if let cache = caches[ObjectIdentifier(db)] { return cache }
            let cache = SQLiteLedger.Cache()
            caches[ObjectIdentifier(db)] = cache
            return cache
        }
    }

    private func translated(_ error: DatabaseError) -> any Error {
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            PBTError(.storeBusy, "the store \(path) is busy: other processes have kept it locked; try again later")
        case .SQLITE_FULL:
            PBTError(
                .inputOutput, "the disk of the store \(path) is full; free some space and run again, nothing is lost")
        case .SQLITE_IOERR:
            PBTError(.inputOutput, "the store \(path) cannot be read or written: \(error.message ?? "I/O error")")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_NOTADB, .SQLITE_CORRUPT:
            Self.unusable(path, error)
        default: error
        }
    }
}
