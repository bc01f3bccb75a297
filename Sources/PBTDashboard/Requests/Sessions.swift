// SPDX-License-Identifier: Apache-2.0

import Crypto
import PBT
import PBTHTTP
import PBTServer
import Synchronization

/// The session of a caller who signed in with a token.
struct Session: Sendable {
    /// The caller; the token is validated again with every request.
    let caller: Caller
    /// The secret in the forms of the session.
    let formToken: String
    /// The end of the session.
    let expires: Timestamp
}

/// The sessions of the dashboard, in memory only: they end with the server.
final class Sessions: Sendable {
    /// The lifetime of a session.
    static let lifetime = Duration.seconds(12 * 3600)
    /// The maximum number of sessions; beyond it the one that expires first is removed.
    static let limit = 1000

    /// The sessions by the SHA-256 of their identifiers, so that the time of a lookup reveals nothing about them.
    private let sessions = Mutex<[[UInt8]: Session]>([:])

    /// Creates a session.
    ///
    /// - Returns: The identifier for the cookie: 256 random bits.
    func create(_ caller: Caller, at now: Timestamp) -> String {
        let id = Self.secret()
        let session = Session(caller: caller, formToken: Self.secret(), expires: now.advanced(by: Self.lifetime))
        sessions.withLock { sessions in
            sessions = sessions.filter { $0.value.expires > now }
            if sessions.count >= Self.limit,
                let first = sessions.min(by: { $0.value.expires < $1.value.expires })?.key
            {
                sessions[first] = nil
            }
            sessions[Token.hash(of: id)] = session
        }
        return id
    }

    /// Returns the session with an identifier; nil when it is unknown or expired.
    func session(_ id: String, at now: Timestamp) -> Session? {
        sessions.withLock { $0[Token.hash(of: id)] }.flatMap { $0.expires > now ? $0 : nil }
    }

    /// Ends a session.
    func end(_ id: String) {
        sessions.withLock { $0[Token.hash(of: id)] = nil }
    }

    /// Returns 256 random bits, base64url-encoded.
    static func secret() -> String {
        Base64URL.text(of: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    /// Returns whether two secrets are equal, in constant time.
    static func matches(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Token.hash(of: a), Token.hash(of: b))
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
