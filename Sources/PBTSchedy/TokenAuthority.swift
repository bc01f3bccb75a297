// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP

/// The server's own tokens, for Schedy's clients.
struct TokenAuthority: SchedyAuthority {
    let tokens: any TokenStore
    let clock: StoreClock

    func holder(of token: String, email: String) async throws -> SchedyHolder? {
        guard let id = Token.id(of: token), let record = try await tokens.token(id: id), Token.matches(token, record)
        else { return nil }
        return holder(record)
    }

    func holder(named id: String) async throws -> SchedyHolder? {
        try await tokens.token(id: id).flatMap(holder)
    }

    func reset(_ holder: SchedyHolder) async throws -> String {
        guard let old = try await tokens.token(id: holder.id) else { throw PBTError.tokenRevoked }
        let now = clock.now()
        let (token, record) = try Token.make(
            named: old.name, scope: old.scope, now: now, life: old.expires.map { $0.since(now) })
        try await tokens.replaceToken(id: old.id, by: record)
        return token.text
    }

    private func holder(_ record: TokenRecord) -> SchedyHolder? {
        if let expires = record.expires, expires <= clock.now() { return nil }
        let scope: SchedyHolder.Scope =
            switch record.scope {
            case .read: .read
            case .work: .work
            case .admin: .admin
            }
        return SchedyHolder(id: record.id, scope: scope)
    }
}
