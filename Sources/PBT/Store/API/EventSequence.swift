// SPDX-License-Identifier: Apache-2.0

extension Store {
    /// The events of an experiment: those after a given one, then those to come, as they happen.
    ///
    /// The sequence does not end by itself; it ends with the task that iterates it. While the store is busy or away it
    /// waits.
    ///
    /// - Parameters:
    ///   - name: The experiment; none for all.
    ///   - last: The number of the last event known; none for all.
    /// - Returns: The sequence; nothing is read before it is iterated.
    public func follow(_ name: String?, after last: Int64? = nil) -> EventSequence {
        EventSequence(store: self, name: name, last: last)
    }
}

/// The events of an experiment: those recorded, then those to come.
public struct EventSequence: AsyncSequence, Sendable {
    /// What it yields.
    public typealias Element = Event

    let store: any Store
    let name: String?
    let last: Int64?

    /// Starts to iterate.
    public func makeAsyncIterator() -> Iterator {
        Iterator(store: store, name: name, last: last ?? 0)
    }

    /// Iterates over events in pages.
    public struct Iterator: AsyncIteratorProtocol {
        let store: any Store
        let name: String?
        var last: Int64
        var page: ArraySlice<Event> = []

        /// The next event; waits for it if need be.
        ///
        /// - Throws: What the store throws, and `CancellationError` when the task is cancelled.
        public mutating func next() async throws -> Event? {
            while true {
                if let event = page.popFirst() {
                    last = event.id
                    return event
                }
                try Task.checkCancellation()
                do {
                    try await read()
                } catch let error as PBTError where error.code == .unreachable || error.code == .storeBusy {
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }

        private mutating func read() async throws {
            let before = try await store.lastEvent()
            page = try await store.events(of: name, after: last, limit: 500)[...]
            if page.isEmpty {
                last = Swift.max(last, before)
                try await store.waitForEvents(after: last, for: .seconds(5))
            }
        }
    }
}
