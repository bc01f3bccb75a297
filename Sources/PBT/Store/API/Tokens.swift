// SPDX-License-Identifier: Apache-2.0

/// The permissions that a token grants on a server; each scope includes those before it.
public enum Scope: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Read everything.
    case read
    /// Claim intervals, train them, and write checkpoints.
    case work
    /// Create, change, and remove experiments.
    case admin

    /// Orders scopes by their permissions.
    public static func < (a: Self, b: Self) -> Bool {
        (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
    }
}

/// A token as it is stored: everything but its secret.
public struct TokenRecord: Sendable, Hashable {
    /// The name, for people; unique.
    public var name: String
    /// The permissions of its holder.
    public var scope: Scope
    /// The public part of the token, by which it is looked up; unique.
    public var id: String
    /// The SHA-256 of the whole token: 32 bytes.
    public var hash: [UInt8]
    /// The time of its creation.
    public var created: Timestamp
    /// The time of its expiry; nil if it is valid until it is revoked.
    public var expires: Timestamp?

    /// Creates a record.
    public init(
        name: String, scope: Scope, id: String, hash: [UInt8], created: Timestamp, expires: Timestamp? = nil
    ) {
        self.name = name
        self.scope = scope
        self.id = id
        self.hash = hash
        self.created = created
        self.expires = expires
    }
}

/// A secret by which a server signs tokens of short life, so that they stay valid when it restarts.
public struct SigningKey: Sendable, Hashable {
    /// The secret: 32 random bytes.
    ///
    /// Never shown or logged.
    public var secret: [UInt8]
    /// The time of its creation.
    public var created: Timestamp

    /// Creates a key.
    public init(secret: [UInt8], created: Timestamp) {
        self.secret = secret
        self.created = created
    }
}

/// Storage for the tokens of a server, alongside its experiments.
public protocol TokenStore: Sendable {
    /// Returns the keys for tokens of short life, the newest first.
    func signingKeys() async throws -> [SigningKey]

    /// Adds a key, and removes older ones.
    ///
    /// If another process has added one since `newest` was read, nothing changes.
    ///
    /// - Parameters:
    ///   - key: The new key.
    ///   - newest: The newest key that the caller knows; nil if there was none.
    ///   - oldest: The creation time of the oldest key that is kept.
    /// - Returns: The keys, the newest first.
    /// - Throws: The errors of the store.
    func add(
        _ key: SigningKey, after newest: SigningKey?, removingBefore oldest: Timestamp
    ) async throws
        -> [SigningKey]

    /// Replaces a token in one step, so that its holder always has one.
    ///
    /// - Parameters:
    ///   - old: The public part of the old one.
    ///   - new: The new token, which may have the same name.
    /// - Throws: ``PBTError/Code/unauthorized`` if there is none with that public part (any longer).
    func replaceToken(id old: String, by new: TokenRecord) async throws

    /// Adds a token.
    ///
    /// - Throws: ``PBTError/Code/alreadyExists`` if the name is taken.
    func add(_ token: TokenRecord) async throws

    /// Returns all tokens, in order of creation.
    func tokens() async throws -> [TokenRecord]

    /// Returns the token with a public part, or nil if there is none (any longer).
    func token(id: String) async throws -> TokenRecord?

    /// Removes a token; its holders are refused from then on.
    ///
    /// - Throws: ``PBTError/Code/badValue`` if there is none of that name.
    func removeToken(named name: String) async throws
}

extension PBTError {
    /// Returns the error for a name that is taken by another token.
    package static func tokenExists(_ name: String) -> PBTError {
        PBTError(
            .alreadyExists,
            "there is a token \"\(name)\" already; give the new one another name, or revoke the old one with: "
                + Shell.command(["pbt", "token", "revoke", name]))
    }

    /// The error for a token that was revoked.
    package static var tokenRevoked: PBTError {
        PBTError(.unauthorized, "the token was revoked; create one with: pbt token create NAME")
    }

    /// Returns the error for a name that no token has.
    package static func noToken(_ name: String, among names: [String]) -> PBTError {
        let advice =
            nearest(to: name, among: names).map { "did you mean \"\($0)\"?" }
            ?? (names.isEmpty ? "there are none" : "there are \(names.prefix(10).quotedList)")
        return PBTError(.badValue, "there is no token \"\(name)\"; \(advice)")
    }
}
