// SPDX-License-Identifier: Apache-2.0

import Crypto
public import PBT

/// A secret that a client sends: `pbt_ID_SECRET`, with 256 random bits in SECRET.
///
/// The server keeps its SHA-256 only. A fast hash is enough, since nobody guesses 256 bits.
public struct Token: Sendable {
    /// The whole text.
    ///
    /// Shown once, to its creator; never logged.
    public let text: String

    private static let prefix = "pbt_"

    /// A new token.
    ///
    /// - Parameters:
    ///   - name: Its name, for people.
    ///   - scope: What its holder may do.
    ///   - now: The time it is made.
    ///   - life: How long it is good for; none: until it is revoked.
    /// - Returns: The token, and what a store keeps of it.
    /// - Throws: A `PBTError` with code `badValue` for a name that cannot be shown in a list.
    public static func make(
        named name: String, scope: Scope, now: Timestamp, life: Duration? = nil
    ) throws -> (token: Token, record: TokenRecord) {
        guard !name.isEmpty, name.utf8.count <= 64,
            name.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f }), !name.hasPrefix("-")
        else {
            throw PBTError(
                .badValue,
                "a token's name has 1 to 64 characters, no spaces, and does not begin with '-'; for example: laptop")
        }
        var random = SystemRandomNumberGenerator()
        let id = Base64URL.text(of: (0..<9).map { _ in UInt8.random(in: .min ... .max, using: &random) })
            .replacing("_", with: "-")
        let secret = Base64URL.text(of: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
        let token = Token(text: "\(prefix)\(id)_\(secret)")
        return (
            token,
            TokenRecord(
                name: name, scope: scope, id: id, hash: hash(of: token.text), created: now,
                expires: life.map { now.advanced(by: $0) })
        )
    }

    /// Returns the public part of a token; nil for anything else.
    package static func id(of text: String) -> String? {
        guard text.hasPrefix(prefix), text.utf8.count <= 256 else { return nil }
        let parts = text.dropFirst(prefix.count).split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return String(parts[0])
    }

    package static func hash(of text: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(text.utf8)))
    }

    /// Returns true if a text is the token of a record; in constant time.
    package static func matches(_ text: String, _ record: TokenRecord) -> Bool {
        let hash = hash(of: text)
        guard hash.count == record.hash.count else { return false }
        return zip(hash, record.hash).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Bytes as URL-safe base64 without padding (RFC 4648, section 5).
package enum Base64URL {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    package static func text(of bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = Array(bytes[start..<min(start + 3, bytes.count)])
            let bits = (0..<3).reduce(0) { $0 << 8 | ($1 < group.count ? Int(group[$1]) : 0) }
            for i in 0...group.count { text.append(digits[bits >> (18 - 6 * i) & 63]) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
