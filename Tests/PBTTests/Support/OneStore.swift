// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// A store in memory that is created on first use and shared by all handles.
final class OneStore: Sendable {
    private let store = Mutex<InMemoryStore?>(nil)

    func get(_ clock: StoreClock, _ strategies: Strategies) -> InMemoryStore {
        store.withLock { store in
            if let store { return store }
            let new = InMemoryStore(clock: clock, strategies: strategies)
            store = new
            return new
        }
    }
}
