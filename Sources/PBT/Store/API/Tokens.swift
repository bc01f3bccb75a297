// SPDX-License-Identifier: Apache-2.0

/// What the holder of a token may do with a server; each scope holds those before it.
public enum Scope: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Look at everything.
    case read
    /// Claim intervals, train them, and write checkpoints.
    case work
    /// Create, change and remove experiments.
    case admin

    /// Orders by how much is allowed.
    public static func < (a: Self, b: Self) -> Bool {
        (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
    }
}

/// A token as a store keeps it: everything but its secret.
public struct TokenRecord: Sendable, Hashable {
    /// Its name, for people; unique.
    public var name: String
    /// What its holder may do.
    public var scope: Scope
    /// The public part of the token, by which it is found; unique.
    public var id: String
    /// The SHA-256 of the whole token: 32 bytes.
    public var hash: [UInt8]
    /// When it was made.
    public var created: Timestamp
    /// When it ends; none: when it is revoked.
    public var expires: Timestamp?

    /// A token.
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

/// Where the tokens of a server are kept, beside its experiments.
public protocol TokenStore: Sendable {
    /// Adds a token.
    ///
    /// - Throws: ``PBTError/Code/alreadyExists`` when there is one of that name.
    func add(_ token: TokenRecord) async throws

    /// All tokens, in the order of their creation.
    func tokens() async throws -> [TokenRecord]

    /// The token with that public part; none when there is none, or not any more.
    func token(id: String) async throws -> TokenRecord?

    /// Removes a token; whoever holds it is refused from now on.
    ///
    /// - Throws: ``PBTError/Code/badValue`` when there is none of that name.
    func removeToken(named name: String) async throws
}

extension PBTError {
    /// A name that is taken by another token.
    package static func tokenExists(_ name: String) -> PBTError {
        PBTError(
            .alreadyExists,
            "there is a token \"\(name)\" already; give the new one another name, or end the old one with: "
                + Shell.command(["pbt", "token", "revoke", name]))
    }

    /// A name that no token has.
    package static func noToken(_ name: String, among names: [String]) -> PBTError {
        let advice =
            nearest(to: name, among: names).map { "did you mean \"\($0)\"?" }
            ?? (names.isEmpty ? "there are none" : "there are \(names.prefix(10).quotedList)")
        return PBTError(.badValue, "there is no token \"\(name)\"; \(advice)")
    }
}
