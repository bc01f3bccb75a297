// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// One store in memory, made when it is first asked for.
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
