// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTHTTP
import PBTServer
import PBTAPI

/// A request for a page by an authenticated caller.
struct PageRequest: Sendable {
    /// The request.
    let call: Call
    /// The state that all pages share.
    let dashboard: DashboardContext
    /// The session that the browser's cookie names; none where no token is asked for, or for a program with a token.
    let session: Session?

    /// The state of the server.
    var server: ServerContext { call.context }
    /// The time at the server.
    var now: Timestamp { server.configuration.clock.now() }

    /// The path as it was sent.
    var path: String {
        String(call.request.uri.string.prefix { $0 != "?" && $0 != "#" })
    }

    /// Returns the values of a name in the query, in order.
    func values(_ name: String) -> [String] {
        Query.values(of: name, in: Query.encoded(in: call.request.uri.string))
    }

    /// Whether the page's script asks for what changed only.
    var isFragment: Bool {
        call.query["fragment"] == "1"
    }

    /// Whether the page is asked to stay as it is (`?live=0`): for printing, and for pictures of it.
    var isStill: Bool {
        call.query["live"] == "0"
    }

    /// Whether the visitor may pause, resume, stop and push.
    var mayControl: Bool {
        dashboard.settings.allowsControl && call.caller.scope >= .admin
    }

    /// What a form must carry, so that no other server's page can send it.
    var formToken: String {
        session?.formToken ?? dashboard.formToken
    }

    /// A `pbt` command about the store that the pages show, to be pasted into a shell.
    func command(_ words: String...) -> String {
        Shell.command(["pbt"] + words + ["--store", store])
    }

    /// The store as a command names it.
    ///
    /// A server is named by the address that the browser reached it by, which may be that of a proxy.
    var store: String {
        if let store = dashboard.settings.store { return store }
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")
        guard let authority = call.request.head.authority, !authority.isEmpty, authority.allSatisfy(allowed.contains)
        else { return "STORE" }
        let forwarded = HTTPField.Name("X-Forwarded-Proto").flatMap { call.request.headers[$0]?.lowercased() }
        let isSecure = server.configuration.tls != nil || forwarded == "https"
        return "\(isSecure ? "https" : "http")://\(authority)"
    }

    /// The member in the path.
    ///
    /// - Throws: A `PBTError` with code `noSuchInterval`.
    func member() throws -> Int {
        guard let member = Int(call["member"]), member >= 0 else {
            throw PBTError(
                .noSuchInterval, "\"\(call["member"].prefix(40))\" is no member; members are numbered from 0")
        }
        return member
    }
}
