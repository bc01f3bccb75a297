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

    private static func token(_ row: Columns) throws -> TokenRecord {
        guard let scope = Scope(rawValue: row[1]), let hash = Hex.bytes(of: row[3] as String) else {
            throw PBTError(.inconsistent, "the token \"\(row[0] as String)\" in the store cannot be read")
        }
        return TokenRecord(
            name: row[0], scope: scope, id: row[2], hash: hash, created: Timestamp(milliseconds: row[4]),
            expires: (row[5] as Int64?).map { Timestamp(milliseconds: $0) })
    }
}
