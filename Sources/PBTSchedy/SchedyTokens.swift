// SPDX-License-Identifier: Apache-2.0

import Crypto
package import PBT

/// Who calls Schedy's service, and what they may do.
package struct SchedyHolder: Sendable, Hashable {
    /// What they may do; each includes those before it.
    package enum Scope: Int, Sendable, Hashable, Comparable, CaseIterable {
        case read, work, admin

        package static func < (a: Self, b: Self) -> Bool {
            a.rawValue < b.rawValue
        }
    }

    /// What names the API token in the server's list; no secret.
    package var id: String
    package var scope: Scope

    package init(id: String, scope: Scope) {
        self.id = id
        self.scope = scope
    }
}

/// Who knows the API tokens.
package protocol SchedyAuthority: Sendable {
    /// The holder of a token; none when it is unknown, revoked or expired, or belongs to somebody else.
    ///
    /// - Parameters:
    ///   - token: The secret, or a password.
    ///   - email: What the client gives as its name.
    /// - Returns: The holder.
    /// - Throws: What the list of tokens throws; nothing about a token that is wrong.
    func holder(of token: String, email: String) async throws -> SchedyHolder?

    /// A holder as it is now; none when its token was revoked since or has expired.
    func holder(named id: String) async throws -> SchedyHolder?

    /// Replaces a holder's token by a new one, and returns that.
    func reset(_ holder: SchedyHolder) async throws -> String
}

/// Short-lived tokens that stand for an API token: signed, and forgotten by the server.
package struct SchedyTokens: Sendable {
    private let key: SymmetricKey
    private let clock: StoreClock
    /// How long one is good for.
    let lifetime: Duration

    /// - Parameters:
    ///   - key: What they are signed with, 32 bytes or more; random by default, so that a server that starts again asks
    ///     its clients to renew theirs.
    ///   - lifetime: How long one is good for.
    ///   - clock: The time.
    package init(key: [UInt8]? = nil, lifetime: Duration = .seconds(3600), clock: StoreClock = .system) {
        self.key = key.map { SymmetricKey(data: $0) } ?? SymmetricKey(size: .bits256)
        self.lifetime = lifetime
        self.clock = clock
    }

    /// A token for a holder, and the time in seconds since 1970 when it expires.
    package func issue(_ holder: SchedyHolder, email: String) -> (token: String, expires: Int) {
        let expires = Int(clock.now().advanced(by: lifetime).milliseconds / 1000)
        let payload: Value = ["id": .string(holder.id), "email": .string(email), "exp": .integer(expires)]
        let text = Array(payload.json.utf8)
        let signature = HMAC<SHA256>.authenticationCode(for: text, using: key)
        return ("\(Hex.text(of: text)).\(Hex.text(of: signature))", expires)
    }

    /// What a token says of its holder; none when it is forged, damaged, or has expired.
    package func read(_ token: some StringProtocol) -> (id: String, email: String)? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let text = Hex.bytes(of: parts[0]), let signature = Hex.bytes(of: parts[1]),
            HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: text, using: key),
            let payload = try? Value(json: text), let id = payload["id"]?.string,
            let email = payload["email"]?.string, let expires = payload["exp"]?.int,
            clock.now().milliseconds < Int64(expires) * 1000
        else { return nil }
        return (id, email)
    }
}
