// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A store in memory, for one process and no longer than it lives: tests, and searches in Swift that need no file.
public final class InMemoryStore: TransactionalStore {
    private let ledger: Mutex<InMemoryLedger>
    private let time: LeaseTime
    private let signal = EventSignal()

    /// An empty store.
    ///
    /// - Parameters:
    ///   - clock: The time it goes by.
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

    /// Returns as soon as there is an event after a given one, or when the time is over.
    public func waitForEvents(after last: Int64, for time: Duration) async throws {
        try await signal.wait(after: last, for: time)
    }
}
