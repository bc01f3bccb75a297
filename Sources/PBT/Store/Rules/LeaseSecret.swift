// SPDX-License-Identifier: Apache-2.0

/// The stored form of a lease's token: a hash, so that read access to the store does not permit finishing intervals.
///
/// - A token without a key is random; it is stored as `sha256:` and the digest of the token in hexadecimal digits.
/// - A token made from a claim's key is `KEY.PLACE`; it is stored as `sha256:`, the digest of the key, and `.PLACE`, so
///   that a repeated claim finds its leases by one digest. The place is not a secret.
/// - Version 0.2 and earlier stored tokens in plain text. Such a row stays valid until its interval finishes.
package enum LeaseSecret {
    private static let mark = "sha256:"

    /// Returns the stored form of a token.
    package static func stored(_ token: String) -> String {
        guard let dot = token.lastIndex(of: "."), isPlace(token[token.index(after: dot)...]) else {
            return hashed(token)
        }
        return hashed(String(token[..<dot])) + token[dot...]
    }

    /// The idempotency key of a claim, which all tokens of its leases are made from.
    struct ClaimKey {
        private let key: String
        private let hash: String

        init(_ key: String) {
            self.key = key
            hash = LeaseSecret.hashed(key)
        }

        /// Returns the token of the claim's lease at a position, counted from 0.
        func token(at place: Int) -> String {
            "\(key).\(place)"
        }

        /// Returns the token of a running interval that the claim leased, or nil if another claim did.
        func token(of interval: Interval) -> String? {
            token(stored: interval.token)
        }

        /// Returns the token whose stored form is given, or nil if another claim made it.
        func token(stored: String?) -> String? {
            guard let stored else { return nil }
            let prefix = stored.hasPrefix(LeaseSecret.mark) ? hash : key
            guard stored.hasPrefix("\(prefix).") else { return nil }
            let place = stored[stored.index(stored.startIndex, offsetBy: prefix.count + 1)...]
            return LeaseSecret.isPlace(place) ? "\(key).\(place)" : nil
        }
    }

    /// Returns true if a presented token matches the stored one.
    ///
    /// The stored form itself is never accepted. Takes constant time.
    package static func matches(_ token: String, stored: String?) -> Bool {
        guard let stored else { return false }
        if stored.hasPrefix(mark) { return isEqual(Self.stored(token), stored) }
        return !token.hasPrefix(mark) && isEqual(token, stored)
    }

    private static func hashed(_ text: String) -> String {
        mark + Hex.text(of: SecureHash.sha256(Array(text.utf8)))
    }

    private static func isPlace(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isEqual(_ a: String, _ b: String) -> Bool {
        guard a.utf8.count == b.utf8.count else { return false }
        return zip(a.utf8, b.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension Store {
    /// Returns true if a worker still holds a lease that it claimed with an idempotency key.
    package func hasLease(claimedWith key: String, by worker: String, of name: String) async throws -> Bool {
        let key = LeaseSecret.ClaimKey(key)
        return try await runningIntervals(of: name).contains { $0.worker == worker && key.token(of: $0) != nil }
    }
}
