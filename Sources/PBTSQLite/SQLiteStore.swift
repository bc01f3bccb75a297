// SPDX-License-Identifier: Apache-2.0

import GRDB
public import PBT
import Synchronization

/// A store in one SQLite file, for any number of processes on one machine.
///
/// - **Process crash** (SIGKILL of anything, at any time): nothing is lost once a call has returned.
/// - **Crash of the operating system, power cut**: changes to the search are on the disk when the call returns
///   (`finish`, `create`, `push`, `pause`, `resume`, `stop`, `remove`, `edit`, `pin`: `synchronous = FULL`). Changes to
///   leases (`claim`, `renew`, `release`) may be lost, after which the intervals are claimed again. The file stays
///   consistent.
/// - **Group commit**: concurrent calls in one process are written in one transaction with one flush.
/// - **Fairness**: a process that finds the file locked retries after a short random sleep. SQLite's own busy timeout
///   backs off, and starves all processes but one if there are many.
///
/// The file must be on a local disk: SQLite's write-ahead log needs shared memory, which network file systems lack.
public final class SQLiteStore: TransactionalStore {
    package typealias Rows = SQLiteLedger

    let pool: DatabasePool
    /// The busy handler of its connections.
    let wait: BusyWait
    /// The copy that is read in place of a read-only file.
    let copy: PrivateCopy?
    /// The file that was opened.
    let place: StorePlace?
    let isClosed = Latch()
    private let time: LeaseTime
    private let isAlive: @Sendable (String) -> Bool
    private let strategies: Strategies
    private let signal = EventSignal()
    /// The cache of the writing connection, by connection.
    private let caches = Mutex<[ObjectIdentifier: SQLiteLedger.Cache]>([:])

    /// Calls that await a group commit.
    private let queue = WriteQueue()

    /// The path of the file.
    public let path: String
    /// The access that it was opened with.
    public let access: Access

    /// Opens a store, and creates it if necessary; a new file is readable only by its owner, regardless of the umask.
    ///
    /// - Parameters:
    ///   - path: The file; its directory must exist.
    ///   - access: The access.
    ///   - mustExist: If true, a missing file is an error instead of a new store, as always with ``Access/readOnly``.
    ///   - patience: The time that a call waits for other processes before it fails with ``PBTError/Code/storeBusy``.
    ///   - clock: The clock.
    ///   - strategies: The strategies written in Swift that its experiments may name.
    ///   - isAlive: Returns true if the process of a worker, given its name, is known to be alive on this machine: a
    ///     suspended one keeps its lease for longer.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/unusableStore`` if the file cannot be opened, is not a SQLite
    ///   file, belongs to another program, or was created by a newer version of this one.
    public init(
        path: String, access: Access = .readWrite, mustExist: Bool = false, patience: Duration = .seconds(60),
        clock: StoreClock = .system, strategies: Strategies = Strategies(),
        isAlive: @escaping @Sendable (String) -> Bool = { _ in false }
    ) throws {
        self.path = path
        self.access = access
        self.isAlive = isAlive
        self.strategies = strategies
        do {
            let opened = try Self.open(path, access, mustExist: mustExist, patience: patience)
            (pool, wait, copy, place) = (opened.pool, opened.wait, opened.copy, opened.place)
            time = LeaseTime(clock, offset: try Self.offset(of: clock, in: pool))
        } catch let error as DatabaseError {
            throw Self.unusable(path, error)
        }
    }

    /// Returns the milliseconds to add to this machine's steady clock to get the time of leases: the same for all
    /// processes since the boot, regardless of their time of day when they started.
    private static func offset(of clock: StoreClock, in pool: DatabasePool) throws -> Int64 {
        let fresh = LeaseTime.offset(of: clock)
        guard let boot = clock.steady?.boot, !boot.isEmpty else { return fresh }
        func known(_ db: Database) throws -> Int64? {
            try Int64.fetchOne(db, sql: "SELECT offset FROM clock WHERE boot = ?", arguments: [boot])
        }
        if let offset = try pool.read(known) { return offset }
        do {
            return try pool.write { db in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO clock (boot, offset) VALUES (?, ?)", arguments: [boot, fresh])
                return try known(db) ?? fresh
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
            // The store is opened for reading only.
            return fresh
        }
    }

    /// Runs a transaction: immediately if no other call is writing, otherwise in a group commit with all that wait.
    ///
    /// Ignores cancellation, since a cancelled task must still be able to record a trained interval.
    package func write<Result: Sendable>(
        durable isDurable: Bool, _ body: @escaping @Sendable (SQLiteLedger) throws -> Result
    ) async throws -> Result {
        guard access == .readWrite else {
            throw PBTError(.wrongState, "the store \(path) was opened for reading only; nothing can be changed in it")
        }
        if queue.begin() {
            let now: Result?
            do {
                now = try writeNow(durable: isDurable, body)
            } catch {
                if queue.end() { writeQueued() }
                throw error
            }
            if let now {
                if queue.end() { writeQueued() }
                return now
            }
            // Another process has locked the file: wait for it on the connection's thread.
            return try await withCheckedThrowingContinuation { continuation in
                queue.append(WriteQueue.Job(durable: isDurable, continuation, body))
                writeQueued()
            }
        }
        return try await withCheckedThrowingContinuation { continuation in
            // The writing call continues with the queue; if it has just finished, this one does.
            if queue.append(WriteQueue.Job(durable: isDurable, continuation, body)) { writeQueued() }
        }
    }

    /// Runs a transaction on the calling thread.
    ///
    /// Switching to the connection's thread and back would cost nearly as much as the transaction.
    ///
    /// - Returns: Nil if it would have to wait for another process.
    private func writeNow<Result>(
        durable isDurable: Bool, _ body: (SQLiteLedger) throws -> Result
    ) throws -> Result? {
        do {
            let (result, last) = try BusyWait.$isPatient.withValue(false) {
                try pool.writeWithoutTransaction { db in
                    try transact(db, durable: isDurable) { cache in
                        let ledger = ledger(db, cache)
                        return (try body(ledger), ledger.appended)
                    }
                }
            }
            signal.raise(to: last)
            return result
        } catch let error as PBTError where error.code == .storeBusy {
            return nil
        }
    }

    /// Runs the queued calls on the connection's thread until the queue is empty.
    private func writeQueued() {
        pool.asyncWriteWithoutTransaction { db in
            repeat {
                self.write(self.queue.take(), in: db)
            } while self.queue.end()
        }
    }

    /// Performs a group commit: runs several calls in one transaction, each atomically, and completes them when it is
    /// on the disk.
    ///
    /// One flush for all of them, since flushes limit the throughput of many concurrent clients.
    ///
    /// Calls that need not be durable are committed first, without waiting for the flush, so that workers get their
    /// next intervals while the disk is busy with the results of others.
    private func write(_ jobs: [WriteQueue.Job], in db: Database) {
        let quick = jobs.filter { !$0.isDurable }
        if !quick.isEmpty { write(quick, durable: false, in: db) }
        let durable = jobs.filter(\.isDurable)
        if !durable.isEmpty { write(durable, durable: true, in: db) }
    }

    private func write(_ jobs: [WriteQueue.Job], durable isDurable: Bool, in db: Database) {
        var ended: [@Sendable ((any Error)?) -> Void] = []
        do {
            let last = try transact(db, durable: isDurable) { cache in
                var last: Int64 = 0
                for job in jobs {
                    try db.run("SAVEPOINT job", [])
                    let ledger = ledger(db, cache)
                    do {
                        ended.append(try job.run(ledger))
                        last = max(last, ledger.appended)
                    } catch {
                        // An error that ended the whole transaction fails all of its calls.
                        guard db.isInsideTransaction else { throw error }
                        try db.run("ROLLBACK TO job", [])
                        cache.forget()
                        let error = (error as? DatabaseError).map(translated) ?? error
                        ended.append({ job.fail($0 ?? error) })
                    }
                    try db.run("RELEASE job", [])
                }
                return last
            }
            signal.raise(to: last)
            for end in ended { end(nil) }
        } catch {
            for end in ended { end(error) }
            for job in jobs.dropFirst(ended.count) { job.fail(error) }
        }
    }

    private func ledger(_ db: Database, _ cache: SQLiteLedger.Cache) -> SQLiteLedger {
        SQLiteLedger(db: db, cache: cache, time: time.read(), strategies: strategies, isAlive: isAlive)
    }

    private func transact<Result>(
        _ db: Database, durable isDurable: Bool, _ body: (SQLiteLedger.Cache) throws -> Result
    ) throws -> Result {
        let cache = cache(of: db)
        do {
            if cache.isDurable != isDurable {
                try db.execute(sql: isDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
                cache.isDurable = isDurable
            }
            // Not by GRDB's own function, which compiles these statements each time.
            try db.run("BEGIN IMMEDIATE", [])
            do {
                let result = try body(cache)
                try place?.check()
                try db.run("COMMIT", [])
                // Fail instead of acknowledging a write to a file that was removed.
                try place?.check()
                return result
            } catch {
                // Some errors of SQLite roll back the transaction themselves.
                if db.isInsideTransaction { try db.run("ROLLBACK", []) }
                throw error
            }
        } catch let error as DatabaseError {
            cache.forget()
            throw translated(error)
        } catch {
            // The cache may contain changes that were rolled back.
            cache.forget()
            throw error
        }
    }

    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (SQLiteLedger) throws -> Result
    ) async throws -> Result {
        do {
            try place?.check()
            return try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Result, any Error>) in
                pool.asyncRead { access in
                    continuation.resume(
                        with: Swift.Result {
                            let db = try access.get()
                            return try body(
                                SQLiteLedger(
                                    db: db, cache: SQLiteLedger.Cache(), time: self.time.read(),
                                    strategies: self.strategies, isAlive: self.isAlive))
                        })
                }
            }
        } catch let error as DatabaseError {
            throw translated(error)
        }
    }

    /// Waits for an event after a given one, in this process or another, for a given time at most.
    ///
    /// Polls for events of other processes every 25 ms, and every 100 ms after the first second.
    public func waitForEvents(after last: Int64, for time: Duration) async throws {
        let start = ContinuousClock.now
        let end = start.advanced(by: time)
        while true {
            try Task.checkCancellation()
            if try await lastEvent() > last { return }
            let now = ContinuousClock.now
            guard now < end else { return }
            let slice: Duration = now - start < .seconds(1) ? .milliseconds(25) : .milliseconds(100)
            try await signal.wait(after: last, for: min(slice, end - now))
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

    func translated(_ error: DatabaseError) -> any Error {
        switch error.resultCode {
        case .SQLITE_MISUSE where isClosed.isSet: PBTError(.unusableStore, "the store \(path) is closed")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            PBTError(.storeBusy, "the store \(path) is busy: other processes have kept it locked; try again later")
        case .SQLITE_FULL:
            PBTError(
                .inputOutput, "the disk of the store \(path) is full; free some space and retry, nothing is lost")
        case .SQLITE_IOERR:
            PBTError(.inputOutput, "the store \(path) cannot be read or written: \(error.message ?? "I/O error")")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_NOTADB, .SQLITE_CORRUPT:
            Self.unusable(path, error)
        default: error
        }
    }
}
