// SPDX-License-Identifier: Apache-2.0

package import PBT
import Synchronization

/// Tokens in memory that count how often one is looked up.
package final class CountingTokens: TokenStore {
    package let tokens = InMemoryTokens()
    private let count = Atomic<Int>(0)

    package init() {}

    /// How often one was looked up.
    package var reads: Int { count.load(ordering: .sequentiallyConsistent) }

    package func add(_ token: TokenRecord) async throws { try await tokens.add(token) }
    package func tokens() async throws -> [TokenRecord] { try await tokens.tokens() }
    package func token(id: String) async throws -> TokenRecord? {
        count.add(1, ordering: .sequentiallyConsistent)
        return try await tokens.token(id: id)
    }
    package func signingKeys() async throws -> [SigningKey] { try await tokens.signingKeys() }
    package func add(
        _ key: SigningKey, after newest: SigningKey?, removingBefore oldest: Timestamp
    ) async throws -> [SigningKey] {
        try await tokens.add(key, after: newest, removingBefore: oldest)
    }
    package func replaceToken(id old: String, by new: TokenRecord) async throws {
        try await tokens.replaceToken(id: old, by: new)
    }
    package func removeToken(named name: String) async throws { try await tokens.removeToken(named: name) }
}
