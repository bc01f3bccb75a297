// SPDX-License-Identifier: Apache-2.0

import Crypto
import PBT
import PBTHTTP
import PBTServer
import Synchronization

/// Someone who signed in with a token.
struct Session: Sendable {
    /// Who, and what they may do; the token is looked up again with every request.
    let caller: Caller
    /// What their forms carry.
    let formToken: String
    /// When it ends.
    let expires: Timestamp
}

/// Who is signed in to the dashboard: in memory only, so all of it ends with the server.
final class Sessions: Sendable {
    /// How long a session lasts.
    static let life = Duration.seconds(12 * 3600)
    /// How many there are at most; the one that ends first gives way.
    static let limit = 1000

    /// By the SHA-256 of the identifier, so that the time of a look-up says nothing about identifiers.
    private let sessions = Mutex<[[UInt8]: Session]>([:])

    /// Begins a session.
    ///
    /// - Returns: Its identifier: 256 random bits, for the cookie.
    func begin(_ caller: Caller, at now: Timestamp) -> String {
        let id = Self.secret()
        let session = Session(caller: caller, formToken: Self.secret(), expires: now.advanced(by: Self.life))
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

    /// The session of an identifier; none when there is none, or not any more.
    func session(_ id: String, at now: Timestamp) -> Session? {
        sessions.withLock { $0[Token.hash(of: id)] }.flatMap { $0.expires > now ? $0 : nil }
    }

    /// Ends a session.
    func end(_ id: String) {
        sessions.withLock { $0[Token.hash(of: id)] = nil }
    }

    /// 256 random bits as text.
    static func secret() -> String {
        Base64URL.text(of: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    /// Whether two secrets are the same; takes the same time whatever they are.
    static func matches(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Token.hash(of: a), Token.hash(of: b))
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
