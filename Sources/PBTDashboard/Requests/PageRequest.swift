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
    /// The session of the browser's cookie; none on servers that require no token, and for requests with a token.
    let session: Session?

    /// The state of the server.
    var server: ServerContext { call.context }
    /// The time at the server.
    var now: Timestamp { server.configuration.clock.now() }

    /// The path, still percent-encoded.
    var path: String {
        String(call.request.uri.string.prefix { $0 != "?" && $0 != "#" })
    }

    /// Returns the values of a name in the query, in order.
    func values(_ name: String) -> [String] {
        Query.values(of: name, in: Query.encoded(in: call.request.uri.string))
    }

    /// A Boolean value indicating whether the page's script requests only the blocks that can change.
    var isFragment: Bool {
        call.query["fragment"] == "1"
    }

    /// A Boolean value indicating whether live updates are turned off (`?live=0`), for printing and screenshots.
    var isStill: Bool {
        call.query["live"] == "0"
    }

    /// A Boolean value indicating whether the caller may pause, resume, stop, push and delete.
    var mayControl: Bool {
        dashboard.settings.allowsControl && call.caller.scope >= .admin
    }

    /// The secret in forms, which protects against cross-site requests.
    var formToken: String {
        session?.formToken ?? dashboard.formToken
    }

    /// Returns a `pbt` command on the store of the pages, quoted for a shell.
    func command(_ words: String...) -> String {
        Shell.command(["pbt"] + words + ["--store", store])
    }

    /// The store's name in commands.
    ///
    /// A server is named by the address that the browser used, which may be that of a proxy.
    var store: String {
        if let store = dashboard.settings.store { return store }
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")
        guard let authority = call.request.head.authority, !authority.isEmpty, authority.allSatisfy(allowed.contains)
        else { return "STORE" }
        let forwarded = HTTPField.Name("X-Forwarded-Proto").flatMap { call.request.headers[$0]?.lowercased() }
        let isSecure = server.configuration.tls != nil || forwarded == "https"
        return "\(isSecure ? "https" : "http")://\(authority)"
    }

    /// Returns the member in the path.
    ///
    /// - Throws: A `PBTError` with code `noSuchInterval`.
    func member() throws -> Int {
        guard let member = Int(call["member"]), member >= 0 else {
            throw PBTError(
                .noSuchInterval, "\"\(call["member"].prefix(40))\" is not a member; members are numbered from 0")
        }
        return member
    }
}
