// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

@Suite struct InMemoryStoreTests {
    @Test("a store in memory keeps the contract", arguments: StoreContract.cases)
    func contract(_ rule: StoreContract.Case) async throws {
        let store = OneStore()
        try await rule.check { clock, strategies in store.get(clock, strategies) }
    }
}
