// SPDX-License-Identifier: Apache-2.0

import Crypto
package import PBT

/// The holder of an API token, and its scope.
package struct SchedyHolder: Sendable, Hashable {
    /// The permissions of a token; each scope includes those before it.
    package enum Scope: Int, Sendable, Hashable, Comparable, CaseIterable {
        case read, work, admin

        package static func < (a: Self, b: Self) -> Bool {
            a.rawValue < b.rawValue
        }
    }

    /// The public identifier of the API token.
    package var id: String
    package var scope: Scope

    package init(id: String, scope: Scope) {
        self.id = id
        self.scope = scope
    }
}

/// A verifier of API tokens.
package protocol SchedyAuthority: Sendable {
    /// Returns the holder of a token; nil when it is unknown, revoked or expired, or belongs to another email.
    ///
    /// - Parameters:
    ///   - token: The secret, or a password.
    ///   - email: The email that the client sends with it.
    /// - Returns: The holder.
    /// - Throws: An error of the token store; not for an invalid token.
    func holder(of token: String, email: String) async throws -> SchedyHolder?

    /// Returns the current state of a holder; nil when its token was revoked or has expired.
    func holder(named id: String) async throws -> SchedyHolder?

    /// Replaces a holder's token, and returns the new one, which is not empty.
    func reset(_ holder: SchedyHolder) async throws -> String
}

/// Short-lived tokens that stand for an API token: signed, so that the server stores only its keys.
package struct SchedyTokens: Sendable {
    private let keys: any SchedyKeys
    private let clock: StoreClock
    /// The lifetime of a token.
    let lifetime: Duration

    /// Tokens that are signed with the newest of some keys.
    ///
    /// - Parameters:
    ///   - keys: The keys of the signatures.
    ///   - lifetime: The lifetime of a token.
    ///   - clock: The time.
    package init(keys: any SchedyKeys, lifetime: Duration = .seconds(3600), clock: StoreClock = .system) {
        self.keys = keys
        self.lifetime = lifetime
        self.clock = clock
    }

    /// Creates a token for a holder, and returns it with its expiry in seconds since 1970.
    package func issue(_ holder: SchedyHolder, email: String) async throws -> (token: String, expires: Int) {
        let expires = Int(clock.now().advanced(by: lifetime).milliseconds / 1000)
        let payload: Value = ["id": .string(holder.id), "email": .string(email), "exp": .integer(expires)]
        let text = Array(payload.json.utf8)
        let key = SymmetricKey(data: try await keys.signing())
        let signature = HMAC<SHA256>.authenticationCode(for: text, using: key)
        return ("\(Hex.text(of: text)).\(Hex.text(of: signature))", expires)
    }

    /// Returns the claims of a token; nil when it is forged, damaged, or expired.
    package func read(_ token: some StringProtocol & Sendable) async throws -> (id: String, email: String)? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let text = Hex.bytes(of: parts[0]), let signature = Hex.bytes(of: parts[1]) else {
            return nil
        }
        let isSigned = try await keys.known().contains { key in
            HMAC<SHA256>.isValidAuthenticationCode(
                signature, authenticating: text, using: SymmetricKey(data: key))
        }
        guard isSigned, let payload = try? Value(json: text), let id = payload["id"]?.string,
            let email = payload["email"]?.string, let expires = payload["exp"]?.int,
            clock.now().milliseconds < Int64(expires) * 1000
        else { return nil }
        return (id, email)
    }
}
