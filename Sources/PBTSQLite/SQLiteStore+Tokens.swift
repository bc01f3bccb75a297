// SPDX-License-Identifier: Apache-2.0

public import PBT

extension SQLiteStore: TokenStore {
    private static let columns = "name, scope, id, hash, created, expires"

    /// See `TokenStore.add(_:)`.
    public func add(_ token: TokenRecord) async throws {
        try await write(durable: true) { ledger in
            guard try ledger.first("SELECT 1 FROM token WHERE name = ?", [token.name], { _ in true }) == nil else {
                throw PBTError.tokenExists(token.name)
            }
            try ledger.run(
                "INSERT INTO token (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    token.name, token.scope.rawValue, token.id, Hex.text(of: token.hash), token.created.milliseconds,
                    token.expires?.milliseconds,
                ])
        }
    }

    /// See `TokenStore.tokens()`.
    public func tokens() async throws -> [TokenRecord] {
        try await read { try $0.all("SELECT \(Self.columns) FROM token ORDER BY number", [], Self.token) }
    }

    /// See `TokenStore.token(id:)`.
    public func token(id: String) async throws -> TokenRecord? {
        try await read { try $0.first("SELECT \(Self.columns) FROM token WHERE id = ?", [id], Self.token) }
    }

    /// See `TokenStore.removeToken(named:)`.
    public func removeToken(named name: String) async throws {
        try await write(durable: true) { ledger in
            let names = try ledger.all("SELECT name FROM token ORDER BY number", []) { $0[0] as String }
            guard names.contains(name) else { throw PBTError.noToken(name, among: names) }
            try ledger.run("DELETE FROM token WHERE name = ?", [name])
        }
    }

    /// See `TokenStore.signingKeys()`.
    public func signingKeys() async throws -> [SigningKey] {
        try await read { try Self.keys(in: $0) }
    }

    /// See `TokenStore.add(_:after:removingBefore:)`.
    public func add(
        _ key: SigningKey, after newest: SigningKey?, removingBefore oldest: Timestamp
    ) async throws -> [SigningKey] {
        try await write(durable: true) { ledger in
            let keys = try Self.keys(in: ledger)
            guard keys.first == newest else { return keys }
            try ledger.run("DELETE FROM signing_key WHERE created < ?", [oldest.milliseconds])
            try ledger.run(
                "INSERT INTO signing_key (secret, created) VALUES (?, ?)",
                [Hex.text(of: key.secret), key.created.milliseconds])
            return try Self.keys(in: ledger)
        }
    }

    /// See `TokenStore.replaceToken(id:by:)`.
    public func replaceToken(id old: String, by new: TokenRecord) async throws {
        try await write(durable: true) { ledger in
            guard try ledger.first("SELECT 1 FROM token WHERE id = ?", [old], { _ in true }) != nil else {
                throw PBTError.tokenRevoked
            }
            try ledger.run(
                "UPDATE token SET name = ?, scope = ?, id = ?, hash = ?, created = ?, expires = ? WHERE id = ?",
                [
                    new.name, new.scope.rawValue, new.id, Hex.text(of: new.hash), new.created.milliseconds,
                    new.expires?.milliseconds, old,
                ])
        }
    }

    private static func keys(in ledger: SQLiteLedger) throws -> [SigningKey] {
        try ledger.all("SELECT secret, created FROM signing_key ORDER BY number DESC", []) { row in
            guard let secret = Hex.bytes(of: row[0] as String), secret.count >= 32 else {
                // Without the text, which is a secret.
                throw PBTError(.inconsistent, "a signing key in the store cannot be read")
            }
            return SigningKey(secret: secret, created: Timestamp(milliseconds: row[1]))
        }
    }

    private static func token(_ row: Columns) throws -> TokenRecord {
        guard let scope = Scope(rawValue: row[1]), let hash = Hex.bytes(of: row[3] as String) else {
            throw PBTError(.inconsistent, "the token \"\(row[0] as String)\" in the store cannot be read")
        }
        return TokenRecord(
            name: row[0], scope: scope, id: row[2], hash: hash, created: Timestamp(milliseconds: row[4]),
            expires: (row[5] as Int64?).map { Timestamp(milliseconds: $0) })
    }
}
