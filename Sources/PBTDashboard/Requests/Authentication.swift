// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import PBT
import PBTHTTP
import PBTServer

extension DashboardContext {
    /// Returns the request for a page of an authenticated caller; nil for a browser that must sign in first.
    ///
    /// - Throws: A `PBTError` with code `unauthorized` for an `Authorization` field with an invalid token.
    func authenticate(_ call: Call) async throws -> PageRequest? {
        let access = server.http.access
        if !access.needsToken || call.request.headers[.authorization] != nil {
            let caller = try await access.caller(
                showing: call.request.headers[.authorization], from: call.connection.address)
            return PageRequest(call: call.by(caller), dashboard: self, session: nil)
        }
        guard let id = SessionCookie.id(in: call),
            let session = sessions.session(id, at: server.configuration.clock.now())
        else { return nil }
        do {
            try await access.checkAgain(session.caller)
        } catch let error as PBTError where error.code == .unauthorized {
            sessions.end(id)
            return nil
        }
        return PageRequest(call: call.by(session.caller), dashboard: self, session: session)
    }
}

/// The cookie that holds a session's identifier.
enum SessionCookie {
    /// Returns the name of the cookie, with the port, since browsers share cookies among all ports of a host.
    private static func name(for call: Call) -> String {
        "pbt_session_\(call.channel.localAddress?.port ?? 0)"
    }

    /// Returns the identifier that a browser sent; nil without one.
    static func id(in call: Call) -> String? {
        let name = name(for: call)
        for field in call.request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0] == name { return String(parts[1]) }
            }
        }
        return nil
    }

    /// Returns the value of a `Set-Cookie` field.
    ///
    /// - Parameters:
    ///   - id: The session's identifier; empty to remove the cookie.
    ///   - call: The request.
    ///   - seconds: The lifetime in the browser; 0 to remove the cookie.
    /// - Returns: The cookie with its attributes.
    static func field(_ id: String, for call: Call, seconds: Int64) -> String {
        // Behind a proxy that terminates TLS only the Origin field shows it.
        let isSecure =
            call.context.configuration.tls != nil
            || call.request.headers[.origin]?.lowercased().hasPrefix("https://") == true
        return "\(name(for: call))=\(id); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }
}
