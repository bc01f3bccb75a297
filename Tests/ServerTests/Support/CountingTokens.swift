// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// Tokens in memory that count how often one is looked up.
final class CountingTokens: TokenStore {
    let tokens = InMemoryTokens()
    private let count = Atomic<Int>(0)

    /// How often one was looked up.
    var reads: Int { count.load(ordering: .sequentiallyConsistent) }

    func add(_ token: TokenRecord) async throws { try await tokens.add(token) }
    func tokens() async throws -> [TokenRecord] { try await tokens.tokens() }
    func token(id: String) async throws -> TokenRecord? {
        count.add(1, ordering: .sequentiallyConsistent)
        return try await tokens.token(id: id)
    }
    func removeToken(named name: String) async throws { try await tokens.removeToken(named: name) }
}
