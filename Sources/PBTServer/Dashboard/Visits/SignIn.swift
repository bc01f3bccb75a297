// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import PBT
import PBTAPI

extension Dashboard {
    /// The name of the cookie: one for each port, since browsers keep one jar for all ports of a machine.
    static func cookieName(_ call: Call) -> String {
        "pbt_session_\(call.channel.localAddress?.port ?? 0)"
    }

    /// The identifier that the browser's cookie holds.
    static func sessionID(_ call: Call) -> String? {
        let name = cookieName(call)
        for field in call.request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0] == name { return String(parts[1]) }
            }
        }
        return nil
    }

    /// Finds out who visits.
    ///
    /// - Returns: The visit; none for someone who must sign in first.
    /// - Throws: A `PBTError` with code `unauthorized` for a token in the `Authorization` field that is not good.
    func admit(_ call: Call, address: String) async throws -> Visit? {
        if !site.access.needsToken || call.request.headers[.authorization] != nil {
            let caller = try await site.access.caller(showing: call.request.headers[.authorization], from: address)
            return Visit(call: call.by(caller), dashboard: self, session: nil)
        }
        guard let id = Self.sessionID(call), let session = sessions.session(id, at: site.configuration.clock.now())
        else { return nil }
        do {
            try await site.access.checkAgain(session.caller)
        } catch let error as PBTError where error.code == .unauthorized {
            sessions.end(id)
            return nil
        }
        return Visit(call: call.by(session.caller), dashboard: self, session: session)
    }

    /// Where to go after signing in: a path of this server, and nothing that a browser could take for another's.
    static func next(_ text: String?) -> String {
        guard let text, text.first == "/", text.utf8.count <= 2000,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }),
            !text.hasPrefix("//"), !text.hasPrefix("/sign-")
        else { return "/" }
        return text
    }

    /// The form to sign in with.
    func signInPage(_ call: Call) -> Reply {
        guard site.access.needsToken else { return .seeOther("/") }
        return SignInPage(next: Self.next(call.query["next"]), problem: nil).reply(.ok)
    }

    /// Takes the form.
    func signIn(_ call: Call, address: String) async throws -> Reply {
        guard site.access.needsToken else { return .seeOther("/") }
        try Self.checkOrigin(call.request)
        let form = try await Self.form(call)
        let next = Self.next(form("next"))
        do {
            let token = (form("token") ?? "").filter { !$0.isWhitespace }
            let caller = try await site.access.caller(showing: "Bearer \(token)", from: address)
            let id = sessions.begin(caller, at: site.configuration.clock.now())
            return .seeOther(next).with(.setCookie, cookie(call, id, seconds: Sessions.life.milliseconds / 1000))
        } catch let error as PBTError where error.code == .unauthorized {
            return SignInPage(next: next, problem: error.message).reply(.unauthorized)
        } catch let problem as Problem where problem.status == 429 {
            return SignInPage(next: next, problem: problem.detail).reply(.tooManyRequests).with(
                .retryAfter, String(problem.retryAfter ?? 60))
        }
    }

    /// Ends the session.
    func signOut(_ visit: Visit) async throws -> Reply {
        try Self.checkOrigin(visit.call.request)
        let form = try await Self.form(visit.call)
        try Self.checkToken(form, visit)
        if let id = Self.sessionID(visit.call) { sessions.end(id) }
        return .seeOther("/sign-in").with(.setCookie, cookie(visit.call, "", seconds: 0))
    }

    private func cookie(_ call: Call, _ id: String, seconds: Int64) -> String {
        // Behind a proxy that does TLS only the browser knows: it says so by the origin it posts from.
        let isSecure =
            site.configuration.tls != nil || call.request.headers[.origin]?.lowercased().hasPrefix("https://") == true
        return "\(Self.cookieName(call))=\(id); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// A form's fields.
    ///
    /// - Throws: A ``Problem`` with status 413 or 415.
    static func form(_ call: Call) async throws -> (String) -> String? {
        let type = call.request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
        guard type == "application/x-www-form-urlencoded" else {
            throw Problem(415, "unsupportedMediaType", "this takes a form, as the dashboard's pages send it")
        }
        let text = String(decoding: try await call.bytes(upTo: 64 << 10), as: UTF8.self)
        return { name in Visit.values(in: text[...], name).last }
    }

    /// Refuses a form that does not say that a page of this server sent it.
    ///
    /// - Throws: A `PBTError` with code `forbidden`.
    static func checkOrigin(_ request: Request) throws {
        let isOurs: Bool
        if let site = request.headers[.secFetchSite] {
            isOurs = site == "same-origin"
        } else if let origin = request.headers[.origin], let authority = request.head.authority {
            isOurs = origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) } == authority
        } else {
            isOurs = false
        }
        guard isOurs else {
            throw PBTError(
                .forbidden,
                "this form did not come from a page of this server (Origin); open the page again, or use the API with a token"
            )
        }
    }

    /// Refuses a form that does not carry its visitor's secret.
    ///
    /// - Throws: A `PBTError` with code `forbidden`.
    static func checkToken(_ form: (String) -> String?, _ visit: Visit) throws {
        guard let token = form("form_token"), Sessions.matches(token, visit.formToken) else {
            throw PBTError(
                .forbidden,
                "this form is out of date: it is from before you signed in, or before the server was started; open the page again"
            )
        }
    }
}

extension Call {
    /// The same request, by someone.
    func by(_ caller: Caller) -> Call {
        Call(request: request, path: path, query: query, caller: caller, channel: channel, site: site)
    }
}

extension Reply {
    /// Sends the browser to another page, which it asks for with GET.
    static func seeOther(_ path: String) -> Reply {
        Reply(status: .seeOther, headers: [.location: path])
    }
}
