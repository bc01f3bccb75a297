// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBTSchedy
import PBT
import PBTServer
import PBTTesting
import Synchronization
import Testing

/// API tokens in memory.
final class SchedyTokenList: SchedyAuthority {
    private let tokens: Mutex<[String: (email: String, holder: SchedyHolder)]>

    init(_ tokens: [(token: String, email: String, scope: SchedyHolder.Scope)]) {
        self.tokens = Mutex(
            Dictionary(
                uniqueKeysWithValues: tokens.map {
                    ($0.token, ($0.email, SchedyHolder(id: "id of \($0.token)", scope: $0.scope)))
                }))
    }

    func holder(of token: String, email: String) -> SchedyHolder? {
        tokens.withLock { $0[token].flatMap { $0.email == email ? $0.holder : nil } }
    }

    func holder(named id: String) -> SchedyHolder? {
        tokens.withLock { $0.values.first { $0.holder.id == id }?.holder }
    }

    func reset(_ holder: SchedyHolder) -> String {
        tokens.withLock { tokens in
            guard let old = tokens.first(where: { $0.value.holder == holder }) else { return "" }
            tokens[old.key] = nil
            let new = "new-\(old.key)"
            tokens[new] = (old.value.email, SchedyHolder(id: "id of \(new)", scope: holder.scope))
            return new
        }
    }

    func revoke(_ token: String) {
        tokens.withLock { $0[token] = nil }
    }
}

@Suite(.timeLimit(.minutes(10))) struct SchedyTokenTests {
    private static let email = "ü@example.org"

    private static func list() -> SchedyTokenList {
        SchedyTokenList([
            ("pbt_admin", email, .admin), ("pbt_work", email, .work), ("pbt_read", email, .read),
        ])
    }

    private static func signedIn(_ place: SchedyPlace, _ token: String) async throws -> SchedyCaller {
        let answer = try await place.caller.call(
            "POST", "token/", ["email": .string(email), "token": .string(token)])
        var caller = place.caller
        caller.bearer = try #require(answer.json["token"]?.string)
        return caller
    }

    @Test(arguments: ["token/", "passauth/"])
    func `an API token is exchanged for one that expires`(path: String) async throws {
        try await withSchedy(authority: Self.list()) { place in
            let answer = try await place.caller.call(
                "POST", path, ["email": .string(Self.email), "token": "pbt_admin"])
            #expect(answer.status == 200)
            #expect(answer.json["expiresAt"] == .integer(Int(place.clock.now.milliseconds / 1000) + 3600))
            #expect(answer.headers["cache-control"] == "no-store")
            var caller = place.caller
            #expect(try await caller.call("GET", "experiments/").status == 401)
            caller.bearer = try #require(answer.json["token"]?.string)
            #expect(try await caller.call("GET", "experiments/").status == 200)
            place.clock.advance(by: .seconds(3600))
            let late = try await caller.call("GET", "experiments/")
            #expect(late.status == 401)
            #expect(late.headers["www-authenticate"] == "Bearer")
            #expect(late.text == "the token is missing, unknown or expired; get one with POST token/")
        }
    }

    @Test(arguments: [
        ("pbt_wrong", email), ("pbt_admin", "other@example.org"), ("", ""),
    ])
    func `wrong credentials are an authentication error`(token: String, email: String) async throws {
        try await withSchedy(authority: Self.list()) { place in
            let answer = try await place.caller.call(
                "POST", "token/", ["email": .string(email), "token": .string(token)])
            #expect(answer.status == 403)
            #expect(answer.text.contains("pbt token create"))
        }
    }

    @Test func `a body without email and token is refused`() async throws {
        try await withSchedy(authority: Self.list()) { place in
            for body: Value in [[:], ["email": "a"], ["email": 1, "token": 2], []] {
                let answer = try await place.caller.call("POST", "token/", body)
                #expect(answer.status == 400)
                #expect(answer.text == "\"email\" and \"token\" must be strings")
            }
            #expect(try await place.caller.call("POST", "token/", text: "{").status == 400)
            let get = try await place.caller.call("GET", "token/")
            #expect(get.status == 405)
            #expect(get.headers["allow"] == "POST")
        }
    }

    @Test func `a forged or damaged token is refused`() async throws {
        try await withSchedy(authority: Self.list()) { place in
            let good = try await Self.signedIn(place, "pbt_admin")
            let bearer = try #require(good.bearer)
            let other = try await SchedyTokens(keys: ProcessKeys(), clock: place.clock.store).issue(
                SchedyHolder(id: "id of pbt_admin", scope: .admin), email: Self.email
            ).token
            let last = bearer.last == "0" ? "1" : "0"
            for forged in [other, bearer.dropLast() + last, bearer + "00", "a.b", "", ".", "x", "é.é"] {
                var caller = place.caller
                caller.bearer = String(forged)
                #expect(try await caller.call("GET", "experiments/").status == 401, "\(forged)")
            }
        }
    }

    @Test func `a token that was revoked is good for nothing at once`() async throws {
        let list = Self.list()
        try await withSchedy(authority: list) { place in
            let caller = try await Self.signedIn(place, "pbt_work")
            #expect(try await caller.call("GET", "experiments/").status == 200)
            list.revoke("pbt_work")
            #expect(try await caller.call("GET", "experiments/").status == 401)
        }
    }

    @Test func `resettoken gives the whole new client configuration, and the old token is good no more`() async throws {
        try await withSchedy(authority: Self.list()) { place in
            let caller = try await Self.signedIn(place, "pbt_admin")
            let answer = try await caller.call("POST", "resettoken/")
            #expect(answer.status == 200)
            #expect(answer.json["root"]?.string == place.caller.root)
            #expect(answer.json["email"]?.string == Self.email)
            #expect(answer.json["token_type"] == "api_token")
            #expect(answer.json["token"] == "new-pbt_admin")
            #expect(try await caller.call("GET", "experiments/").status == 401)
            let renewed = try await Self.signedIn(place, "new-pbt_admin")
            #expect(try await renewed.call("GET", "experiments/").status == 200)
            #expect(try await place.caller.call("POST", "resettoken/").status == 401)
        }
    }

    @Test func `a scope allows what it says and no more`() async throws {
        try await withSchedy(authority: Self.list()) { place in
            let admin = try await Self.signedIn(place, "pbt_admin")
            let work = try await Self.signedIn(place, "pbt_work")
            let read = try await Self.signedIn(place, "pbt_read")
            let denied = try await work.create("e", ["Manual": nil])
            #expect(denied.status == 403)
            #expect(denied.text == "this requires a token with the scope admin, yours has work")
            #expect(try await admin.create("e", ["Manual": nil]).status == 201)
            #expect(try await read.push("e", [:]).status == 403)
            let job = try await work.push("e", [:])
            #expect(job.status == 201)
            #expect(try await read.next("e").status == 403)
            #expect(try await read.job(job.id, of: "e").status == 200)
            #expect(try await read.experiment("e").status == 200)
            #expect(try await work.next("e").status == 200)
            #expect(try await work.call("DELETE", "experiments/e/jobs/\(job.id)/").status == 403)
            #expect(try await work.call("DELETE", "experiments/e/").status == 403)
            #expect(try await admin.call("DELETE", "experiments/e/").status == 204)
        }
    }

    @Test func `without a list of tokens everybody may do everything`() async throws {
        try await withSchedy { place in
            let answer = try await place.caller.call("POST", "token/", ["email": "a", "token": "b"])
            #expect(answer.status == 200)
            #expect(try await place.caller.create("e", ["Manual": nil]).status == 201)
        }
    }

    @Test(arguments: ["token/", "passauth/"])
    func `without tokens resettoken is an error, since the client would overwrite a good token with it`(
        path: String
    ) async throws {
        try await withSchedy { place in
            var caller = place.caller
            let answer = try await caller.call("POST", path, ["email": "a", "token": "wrong password"])
            caller.bearer = try #require(answer.json["token"]?.string)
            let reset = try await caller.call("POST", "resettoken/")
            #expect(reset.status == 409)
            #expect(
                reset.text == "this server requires no token, so it issues none; your configuration is unchanged. With "
                    + "tokens: pbt serve --schedy --tokens")
            #expect(reset.text.count < 150)
        }
    }

    @Test func `with a wrong password nothing is reset`() async throws {
        try await withSchedy(authority: Self.list()) { place in
            let answer = try await place.caller.call(
                "POST", "passauth/", ["email": .string(Self.email), "token": "wrong"])
            #expect(answer.status == 403)
            #expect(try await place.caller.call("POST", "resettoken/").status == 401)
            _ = try await Self.signedIn(place, "pbt_admin")
        }
    }
}
