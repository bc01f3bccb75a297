// SPDX-License-Identifier: Apache-2.0

extension Store {
    /// Returns the events of an experiment after a given one, followed by new events as they happen.
    ///
    /// The sequence ends only with the task that iterates it. While the store is busy or unreachable it retries.
    ///
    /// - Parameters:
    ///   - name: The experiment; nil for all.
    ///   - last: The number of the last known event; nil for all.
    /// - Returns: The sequence; nothing is read before it is iterated.
    public func follow(_ name: String?, after last: Int64? = nil) -> EventSequence {
        EventSequence(store: self, name: name, last: last)
    }
}

/// The events of an experiment: those recorded, followed by new ones.
public struct EventSequence: AsyncSequence, Sendable {
    /// The type of the elements.
    public typealias Element = Event

    let store: any Store
    let name: String?
    let last: Int64?

    /// Creates an iterator.
    public func makeAsyncIterator() -> Iterator {
        Iterator(store: store, name: name, last: last ?? 0)
    }

    /// An iterator that reads events page by page.
    public struct Iterator: AsyncIteratorProtocol {
        let store: any Store
        let name: String?
        var last: Int64
        var page: ArraySlice<Event> = []

        /// Returns the next event, waiting for it if necessary.
        ///
        /// - Throws: The errors of the store, and `CancellationError` if the task is cancelled.
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
