// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A store in memory that lives as long as its process: for tests, and for searches in Swift that need no file.
public final class InMemoryStore: TransactionalStore {
    private let ledger: Mutex<InMemoryLedger>
    private let time: LeaseTime
    private let signal = EventSignal()

    /// Creates an empty store.
    ///
    /// - Parameters:
    ///   - clock: The clock.
    ///   - strategies: The strategies written in Swift that its experiments may name.
    public init(clock: StoreClock = .system, strategies: Strategies = Strategies()) {
        ledger = Mutex(InMemoryLedger(strategies: strategies))
        time = LeaseTime(clock)
    }

    package func write<Result: Sendable>(
        durable isDurable: Bool, _ body: @escaping @Sendable (InMemoryLedger) throws -> Result
    ) async throws -> Result {
        let (result, last) = try ledger.withLock { ledger in
            ledger.set(time.read())
            return (try body(ledger), ledger.eventList.last?.id ?? 0)
        }
        signal.raise(to: last)
        return result
    }

    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (InMemoryLedger) throws -> Result
    ) async throws -> Result {
        try ledger.withLock { ledger in
            ledger.set(time.read())
            return try body(ledger)
        }
    }

    /// See ``Store/waitForEvents(after:for:)``.
    public func waitForEvents(after last: Int64, for time: Duration) async throws {
        try await signal.wait(after: last, for: time)
    }
}
