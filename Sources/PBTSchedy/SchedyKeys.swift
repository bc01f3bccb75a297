// SPDX-License-Identifier: Apache-2.0

import Crypto
package import PBT

/// The keys that sign exchanged tokens.
package protocol SchedyKeys: Sendable {
    /// Returns the key for new tokens; creates or replaces it if needed.
    func signing() async throws -> [UInt8]

    /// Returns the keys of tokens that may still be valid, the newest first.
    func known() async throws -> [[UInt8]]
}

/// A key that lives as long as its process.
///
/// Sufficient where no token is required: then it only carries the email.
package struct ProcessKeys: SchedyKeys {
    private let key: [UInt8]

    /// Keeps a key; random by default.
    package init(_ key: [UInt8]? = nil) {
        self.key = key ?? Self.random()
    }

    static func random() -> [UInt8] {
        SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    }

    package func signing() -> [UInt8] { key }

    package func known() -> [[UInt8]] { [key] }
}

/// The keys in a store, which all servers of it share and which survive them.
///
/// A key signs for a day and is deleted when its last token has expired.
package struct StoredKeys: SchedyKeys {
    private let store: any TokenStore
    private let clock: StoreClock
    private let lifetime: Duration
    /// The time after which a new key signs.
    static let rotation = Duration.seconds(86400)

    /// The keys in a store.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - lifetime: The lifetime of a token.
    ///   - clock: The time.
    package init(_ store: any TokenStore, lifetime: Duration, clock: StoreClock) {
        self.store = store
        self.lifetime = lifetime
        self.clock = clock
    }

    package func signing() async throws -> [UInt8] {
        let now = clock.now()
        let newest = try await store.signingKeys().first
        // One from the future is of a clock that was wrong.
        if let newest, newest.created <= now.advanced(by: lifetime), now < newest.created.advanced(by: Self.rotation) {
            return newest.secret
        }
        let keys = try await store.add(
            SigningKey(secret: ProcessKeys.random(), created: now), after: newest,
            removingBefore: now.advanced(by: .zero - Self.rotation - lifetime))
        guard let key = keys.first else { throw PBTError(.inconsistent, "the store did not keep a signing key") }
        return key.secret
    }

    package func known() async throws -> [[UInt8]] {
        try await store.signingKeys().map(\.secret)
    }
}
