// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
package import PBT
import PBTAPI

/// Schedy's protocol as a server offers it, under `/schedy/`, to the holders of the server's own tokens.
package struct SchedyMount: Sendable {
    /// Where it is mounted.
    static let prefix = "/schedy"

    private let answer: @Sendable (SchedyRequest) async -> SchedyAnswer
    /// Schedy's clients may send large results.
    private static let longest = 16 << 20

    /// Schedy's protocol over a store.
    ///
    /// - Parameters:
    ///   - store: Where the experiments are.
    ///   - tokens: The tokens that clients show; none: everybody may do everything.
    ///   - settings: What can be set.
    ///   - clock: The time that short-lived tokens go by.
    package init(
        _ store: some TransactionalStore, tokens: (any TokenStore)?, settings: SchedySettings = SchedySettings(),
        clock: StoreClock = .system
    ) {
        self.init(
            SchedyService(
                Schedy(store, settings: settings), tokens: SchedyTokens(clock: clock),
                authority: tokens.map { TokenAuthority(tokens: $0, clock: clock) }))
    }

    /// Schedy's protocol as a service answers it.
    package init(_ service: SchedyService<some TransactionalStore>) {
        answer = { await service.answer($0) }
    }

    /// Answers a request whose path begins with the prefix.
    func reply(to request: Request, isSecure: Bool) async throws -> Reply {
        let string = request.uri.string
        let path = string.prefix { $0 != "?" && $0 != "#" }.dropFirst(Self.prefix.count)
        let query = string.firstIndex(of: "?").map { String(string[string.index(after: $0)...]) }
        let answer = await answer(
            SchedyRequest(
                method: request.method, path: path, query: query, headers: request.headers,
                body: try await request.bytes(upTo: Self.longest),
                root: "\(isSecure ? "https" : "http")://\(request.head.authority ?? "localhost")\(Self.prefix)/"))
        return Reply(
            status: .init(code: answer.status), headers: answer.headers,
            body: answer.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: .init(bytes: answer.body)))
    }
}

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
        guard let old = try await tokens.token(id: holder.id) else {
            throw PBTError(.unauthorized, "the token was revoked; make one with: pbt token create NAME")
        }
        let now = clock.now()
        let (token, record) = try Token.make(
            named: old.name, scope: old.scope, now: now, life: old.expires.map { $0.since(now) })
        try await tokens.removeToken(named: old.name)
        try await tokens.add(record)
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
