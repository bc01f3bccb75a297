// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTAPI
import PBTTesting
import Testing

@testable import PBTHTTP
@testable import PBTDashboard
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct SignInTests {
    private static func token(_ scope: Scope, in tokens: InMemoryTokens, _ clock: ManualClock) async throws -> String {
        let (token, record) = try Token.make(named: scope.rawValue, scope: scope, now: clock.now)
        try await tokens.add(record)
        return token.text
    }

    /// Signs in and returns what the browser sends from then on.
    private static func cookie(_ server: TestServer, _ token: String) async throws -> (String, String) {
        let answer = try await server.visit(
            "/sign-in", form: [("token", token), ("next", "/e/toy")], headers: [("Sec-Fetch-Site", "same-origin")])
        #expect(answer.status == 303)
        let field = try #require(answer[header: "Set-Cookie"])
        return ("Cookie", String(field.prefix { $0 != ";" }))
    }

    @Test func `visitors sign in with a token, which the browser does not keep`() async throws {
        let (tokens, clock) = (InMemoryTokens(), ManualClock())
        let token = try await Self.token(.read, in: tokens, clock)
        try await withServer(pages: .pages(tokens: tokens, clock: clock.store), client: still) { server in
            try await server.create("toy")
            let first = try await server.visit("/e/toy?y=log")
            #expect(first.status == 303)
            #expect(first[header: "Location"] == "/sign-in?next=%2Fe%2Ftoy%3Fy%3Dlog")
            let form = try await server.visit("/sign-in?next=%2Fe%2Ftoy")
            #expect(form.status == 200)
            #expect(PageText(form).hidden("next") == "/e/toy")
            #expect(form[header: "Referrer-Policy"] == "same-origin", "or no browser says where the form is from")
            let answer = try await server.visit(
                "/sign-in", form: [("token", token), ("next", "/e/toy")], headers: [("Sec-Fetch-Site", "same-origin")])
            #expect(answer[header: "Location"] == "/e/toy")
            let cookie = try #require(answer[header: "Set-Cookie"])
            #expect(cookie.hasPrefix("pbt_session_\(server.port)="))
            #expect(cookie.hasSuffix("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"))
            #expect(!cookie.contains(token))
            let session = ("Cookie", String(cookie.prefix { $0 != ";" }))
            let page = try await server.visit("/e/toy", headers: [session])
            #expect(page.status == 200)
            // The API takes tokens only, so that no page can act through a browser.
            let api = try await server.visit("/api/v1/experiments", headers: [session])
            #expect(api.status == 401)
            let secret = try #require(PageText(page).hidden("form_token"))
            let out = try await server.visit(
                "/sign-out", form: [("form_token", secret)], headers: [session, ("Sec-Fetch-Site", "same-origin")])
            #expect(out[header: "Location"] == "/sign-in")
            let after = try await server.visit("/e/toy", headers: [session])
            #expect(after.status == 303)
        }
    }

    @Test func `a session ends after twelve hours, and immediately when its token is revoked`() async throws {
        let (tokens, clock) = (InMemoryTokens(), ManualClock())
        let token = try await Self.token(.read, in: tokens, clock)
        try await withServer(pages: .pages(tokens: tokens, clock: clock.store), client: still) { server in
            let old = try await Self.cookie(server, token)
            clock.advance(by: .seconds(12 * 3600 - 1))
            let still = try await server.visit("/", headers: [old])
            #expect(still.status == 200)
            clock.advance(by: .seconds(1))
            let over = try await server.visit("/", headers: [old])
            #expect(over.status == 303)
            let new = try await Self.cookie(server, token)
            try await tokens.removeToken(named: "read")
            let revoked = try await server.visit("/", headers: [new])
            #expect(revoked.status == 303)
        }
    }

    @Test func `after twenty invalid tokens an address is rate-limited`() async throws {
        let (tokens, clock) = (InMemoryTokens(), ManualClock())
        let token = try await Self.token(.read, in: tokens, clock)
        try await withServer(pages: .pages(tokens: tokens, clock: clock.store), client: still) { server in
            for attempt in 0..<21 {
                let answer = try await server.visit(
                    "/sign-in", form: [("token", "pbt_a_b")], headers: [("Sec-Fetch-Site", "same-origin")])
                #expect(answer.status == (attempt < 20 ? 401 : 429))
                #expect(answer[header: "Set-Cookie"] == nil)
            }
            // The API shares the count.
            let api = try await server.ask(.GET, "/experiments", token: "pbt_a_b")
            #expect(api.status == 429)
            _ = try await Self.cookie(server, token)
        }
    }

    @Test(arguments: [
        ("//evil.example/x", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"), ("/e/a\r\nX: y", "/"),
        ("/sign-in", "/"), ("", "/"), ("/e/a?x=1", "/e/a?x=1"),
    ])
    func `signing in never redirects to another site`(next: String, place: String) {
        #expect(PageRequest.next(next) == place)
    }

    @Test func `a form of another site cannot sign in`() async throws {
        let (tokens, clock) = (InMemoryTokens(), ManualClock())
        let token = try await Self.token(.admin, in: tokens, clock)
        try await withServer(pages: .pages(tokens: tokens, clock: clock.store), client: still) { server in
            for headers in [
                [], [("Sec-Fetch-Site", "cross-site")], [("Origin", "null")], [("Origin", "http://a.example")],
            ] {
                let answer = try await server.visit("/sign-in", form: [("token", token)], headers: headers)
                #expect(answer.status == 403, "\(headers)")
                #expect(answer[header: "Set-Cookie"] == nil)
            }
            let secure = try await server.visit(
                "/sign-in", form: [("token", token)],
                headers: [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://pbt.example")])
            #expect(secure[header: "Set-Cookie"]?.hasSuffix("; Secure") == true, "behind a proxy that does TLS")
        }
    }

    // MARK: Control

    @Test func `a dashboard is read-only by default`() async throws {
        try await withServer(pages: .pages()) { server in
            try await server.create("toy")
            let page = try await server.visit("/e/toy")
            #expect(!page.text.contains("/control/"))
            for form in [nil, [("form_token", "x")]] as [[(String, String)]?] {
                let answer = try await server.visit(
                    "/e/toy/control/pause", form: form, headers: [("Sec-Fetch-Site", "same-origin")])
                #expect(answer.status == 403)
                #expect(answer.text.contains("serve with --allow-control"))
            }
        }
    }

    @Test func `with control allowed, pause, resume, push and stop are confirmed, then performed`() async throws {
        try await withServer(pages: .pages(control: true), client: still) { server in
            try await server.create("toy")
            let ours = [("Sec-Fetch-Site", "same-origin")]
            let page = try await server.visit("/e/toy")
            #expect(page.text.contains("href=\"/e/toy/control/pause\""))
            for (verb, state) in [
                ("pause", "paused"), ("resume", "running"), ("push", "running"), ("stop", "finished"),
            ] {
                let ask = PageText(try await server.visit("/e/toy/control/\(verb)"))
                let secret = try #require(ask.hidden("form_token"))
                let before = try await server.store.record(of: "toy").state
                for (token, headers) in [
                    ("", ours), ("wrong", ours), (secret, []), (secret, [("Origin", "http://a.example")]),
                ] {
                    let refused = try await server.visit(
                        "/e/toy/control/\(verb)", form: [("form_token", token)], headers: headers)
                    #expect(refused.status == 403)
                    let unchanged = try await server.store.record(of: "toy").state
                    #expect(unchanged == before)
                }
                let done = try await server.visit(
                    "/e/toy/control/\(verb)", form: [("form_token", secret), ("h.x", "0.25"), ("reason", "enough")],
                    headers: ours)
                #expect(done.status == 303)
                #expect(done[header: "Location"] == "/e/toy")
                let record = try await server.store.record(of: "toy")
                #expect(record.state.rawValue == state)
            }
            let pushed = try await server.store.intervals(of: "toy").contains { $0.hyperparameters["x"] == 0.25 }
            #expect(pushed)
            let record = try await server.store.record(of: "toy")
            #expect(record.reason == "enough")
            let late = try await server.visit("/e/toy/control/pause")
            #expect(late.text.contains("cannot pause"))
        }
    }

    @Test func `an invalid push is reported next to the form`() async throws {
        try await withServer(pages: .pages(control: true), client: still) { server in
            try await server.create("toy")
            let secret = try #require(PageText(try await server.visit("/e/toy/control/push")).hidden("form_token"))
            let answer = try await server.visit(
                "/e/toy/control/push", form: [("form_token", secret), ("h.x", "7")],
                headers: [("Sec-Fetch-Site", "same-origin")])
            #expect(answer.status == 422)
            #expect(answer.text.contains("role=\"alert\""))
        }
    }

    @Test func `a token without the scope admin cannot control`() async throws {
        let (tokens, clock) = (InMemoryTokens(), ManualClock())
        let token = try await Self.token(.work, in: tokens, clock)
        try await withServer(
            pages: .pages(control: true, tokens: tokens, clock: clock.store), client: still
        ) { server in
            try await server.create("toy")
            let session = try await Self.cookie(server, token)
            let page = try await server.visit("/e/toy", headers: [session])
            #expect(!page.text.contains("/control/"))
            let answer = try await server.visit("/e/toy/control/pause", headers: [session])
            #expect(answer.status == 403)
            #expect(answer.text.contains("has the scope work; this requires admin"))
        }
    }
}
