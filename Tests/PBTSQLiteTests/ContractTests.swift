// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTTesting
import Testing

@Suite struct ContractTests {
    @Test("a store in a SQLite file keeps the contract", arguments: StoreContract.cases)
    func contract(_ rule: StoreContract.Case) async throws {
        try await withTemporaryDirectory { directory in
            try await rule.check { clock, strategies in
                try SQLiteStore(path: "\(directory)/store.sqlite", clock: clock, strategies: strategies)
            }
        }
    }
}
