// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTHTTP
import PBTServer
import PBTAPI

extension PageRequest {
    /// Returns the path to redirect to after signing in: `/` unless the given path is certain to be on this server.
    static func next(_ text: String?) -> String {
        guard let text, text.first == "/", text.utf8.count <= 2000,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }),
            !text.hasPrefix("//"), !text.hasPrefix("/sign-")
        else { return "/" }
        return text
    }

    /// Returns the sign-in page; a redirect on a server that requires no token.
    func signInPage() -> Reply {
        guard server.http.access.needsToken else { return .seeOther("/") }
        return SignInPage(next: Self.next(call.query["next"]), problem: nil).reply(.ok)
    }

    /// Creates a session for the token in the form.
    func signIn() async throws -> Reply {
        guard server.http.access.needsToken else { return .seeOther("/") }
        let form = try await Form(call)
        let next = Self.next(form["next"])
        do {
            let token = (form["token"] ?? "").filter { !$0.isWhitespace }
            let caller = try await server.http.access.caller(
                showing: "Bearer \(token)", from: call.connection.address)
            let id = dashboard.sessions.create(caller, at: now)
            let cookie = SessionCookie.field(id, for: call, seconds: Sessions.lifetime.milliseconds / 1000)
            return .seeOther(next).with(.setCookie, cookie)
        } catch let error as PBTError where error.code == .unauthorized {
            return SignInPage(next: next, problem: error.message).reply(.unauthorized)
        } catch let problem as Problem where problem.status == 429 {
            return SignInPage(next: next, problem: problem.detail).reply(.tooManyRequests).with(
                .retryAfter, String(problem.retryAfter ?? 60))
        }
    }

    /// Ends the session.
    func signOut() async throws -> Reply {
        try await Form(call).checkToken(of: self)
        if let id = SessionCookie.id(in: call) { dashboard.sessions.end(id) }
        return .seeOther("/sign-in").with(.setCookie, SessionCookie.field("", for: call, seconds: 0))
    }
}

extension Reply {
    /// A redirect (303) to a path, which the browser requests with GET.
    static func seeOther(_ path: String) -> Reply {
        Reply(status: .seeOther, headers: [.location: path])
    }
}
