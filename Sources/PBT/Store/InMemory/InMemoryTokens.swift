// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tokens in memory that live as long as their process.
public final class InMemoryTokens: TokenStore {
    private let list: Mutex<[TokenRecord]>
    private let keys = Mutex<[SigningKey]>([])

    /// Creates storage with these tokens; none by default.
    public init(_ tokens: [TokenRecord] = []) {
        list = Mutex(tokens)
    }

    /// See ``TokenStore/add(_:)``.
    public func add(_ token: TokenRecord) async throws {
        try list.withLock { list in
            guard !list.contains(where: { $0.name == token.name }) else { throw PBTError.tokenExists(token.name) }
            list.append(token)
        }
    }

    /// See ``TokenStore/tokens()``.
    public func tokens() async throws -> [TokenRecord] {
        list.withLock(\.self)
    }

    /// See ``TokenStore/token(id:)``.
    public func token(id: String) async throws -> TokenRecord? {
        list.withLock { $0.first { $0.id == id } }
    }

    /// See ``TokenStore/signingKeys()``.
    public func signingKeys() async throws -> [SigningKey] {
        keys.withLock(\.self)
    }

    /// See ``TokenStore/add(_:after:removingBefore:)``.
    public func add(
        _ key: SigningKey, after newest: SigningKey?, removingBefore oldest: Timestamp
    ) async throws -> [SigningKey] {
        keys.withLock { keys in
            if keys.first == newest { keys = [key] + keys.filter { $0.created >= oldest } }
            return keys
        }
    }

    /// See ``TokenStore/replaceToken(id:by:)``.
    public func replaceToken(id old: String, by new: TokenRecord) async throws {
        try list.withLock { list in
            guard let place = list.firstIndex(where: { $0.id == old }) else { throw PBTError.tokenRevoked }
            list[place] = new
        }
    }

    /// See ``TokenStore/removeToken(named:)``.
    public func removeToken(named name: String) async throws {
        try list.withLock { list in
            guard let place = list.firstIndex(where: { $0.name == name }) else {
                throw PBTError.noToken(name, among: list.map(\.name))
            }
            list.remove(at: place)
        }
    }
}
