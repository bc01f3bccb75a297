// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import Foundation
import PBT
import PBTAPI
import PBTCheckpoints
import PBTTesting
import SystemPackage
import Testing

@testable import PBTDashboard
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct PagesTests {
    static let paths = [
        "/", "/compare", "/compare?runs=digits,digits.random_search", "/e/digits", "/e/digits/members",
        "/e/digits/m/0", "/e/digits/m/1?interval=2", "/e/digits/lineage", "/e/digits/events?only=all",
        "/e/digits/workers", "/e/digits/charts/curves", "/e/digits?y=error&w=360&tip=1@2",
        "/e/digits/members?sort=-h.lr&filter=score%3E0", "/e/nothing", "/e/digits/m/77",
    ]

    @Test(arguments: paths)
    func `a page is well-formed, makes no requests to other hosts, and has a strict content security policy`(
        path: String
    ) async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(hasBaseline: true).train(in: server.store)
            let answer = try await server.visit(path)
            let page = PageText(answer)
            #expect(answer.status == (path.contains("nothing") || path.hasSuffix("77") ? 404 : 200))
            #expect(page.isWellFormed)
            #expect(answer[header: "Content-Type"] == "text/html; charset=utf-8")
            #expect(
                answer[header: "Content-Security-Policy"]
                    == "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            )
            #expect(answer[header: "X-Content-Type-Options"] == "nosniff")
            #expect(answer[header: "Referrer-Policy"] == "no-referrer")
            #expect(answer[header: "Cache-Control"] == "no-store")
            // Commands to be pasted name this server.
            let others = page.text.replacing(server.base, with: "")
            #expect(!others.contains("http://"), "an address of another host")
            #expect(!others.contains("https://"))
            #expect(!page.text.contains(" style="))
            #expect(!page.text.contains(" onclick"))
            #expect(page.text.matches(of: /<script/).count == 1)
            #expect(page.text.contains("<a class=\"skip\" href=\"#main\">"))
            #expect(page.text.matches(of: /id="main"/).count == 1)
            let ids = page.text.matches(of: /\sid="([^"]+)"/).map { String($0.output.1) }
            #expect(Set(ids).count == ids.count, "an id is duplicated")
        }
    }

    @Test func `the overview is complete without JavaScript`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(hasBaseline: true).train(in: server.store)
            let page = PageText(try await server.visit("/e/digits"))
            let best = try #require(try await server.store.record(of: "digits").best)
            #expect(page.block("tiles")?.contains(">\(best)</a>") == true)
            #expect(page.text.matches(of: /<svg [^>]*role="img"/).count >= 4)
            #expect(page.block("lineage")?.contains("<b>all</b>") == true, "what is shown is no link")
            #expect(page.text.matches(of: /<svg[^>]*>\s*<title>/).count >= 4)
            for member in 0..<6 { #expect(page.text.contains("href=\"/e/digits/m/\(member)\"")) }
            #expect(page.block("banners")?.contains("Finished") == true)
            #expect(page.block("banners")?.contains("pbt best digits") == true)
            #expect(page.text.contains("batch"), "the constant is named")
            #expect(page.text.contains("<title>■ "))
        }
    }

    @Test func `a fragment holds the blocks of the page and nothing around them`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 20).train(in: server.store)
            let page = PageText(try await server.visit("/e/digits?y=log"))
            let fragment = PageText(try await server.visit("/e/digits?y=log&fragment=1"))
            #expect(!fragment.text.contains("<html"))
            #expect(!fragment.text.contains("<header"))
            for block in ["facts", "tag", "banners", "tiles", "curves", "lineage", "members"] {
                #expect(fragment.block(block) != nil, "\(block)")
                #expect(page.block(block) != nil, "\(block)")
            }
            #expect(fragment.block("curves")?.contains("fragment") == false, "links lead to pages")
        }
    }

    @Test func `an empty store shows how to start`() async throws {
        try await withServer(pages: .pages()) { server in
            let page = try await server.visit("/")
            #expect(page.text.contains("There are no experiments yet"))
            #expect(page.text.contains("pbt run experiment.yaml"))
        }
    }

    @Test func `a missing page shows an error with the existing experiments`() async throws {
        try await withServer(pages: .pages()) { server in
            try await server.create("toy")
            for path in ["/e/toi", "/nothing", "/e/toy/nothing", "/e/toy/charts/x.svg"] {
                let answer = try await server.visit(path)
                #expect(answer.status == 404, "\(path)")
                #expect(answer.text.contains("href=\"/e/toy\""), "\(path)")
            }
            let near = try await server.visit("/e/toi")
            #expect(near.text.contains("did you mean &quot;toy&quot;?"))
            let wrong = try await server.visit("/e/toy?y=cubic")
            #expect(wrong.status == 400)
            #expect(wrong.text.contains("?y= must be linear or log or error, not &quot;cubic&quot;"))
        }
    }

    @Test func `programs get JSON, and without a dashboard every client does`() async throws {
        try await withServer(pages: .pages()) { server in
            for path in ["/", "/nothing", "/favicon.ico"] {
                let answer = try await server.visit(path, headers: [("Accept", "application/json")])
                #expect(answer.status == 404)
                #expect(answer[header: "Content-Type"] == "application/problem+json")
            }
            let api = try await server.visit("/api/v1/nothing")
            #expect(api[header: "Content-Type"] == "application/problem+json")
            let any = try await server.visit("/", headers: [("Accept", "*/*")])
            #expect(any.text.contains("<html"))
        }
        try await withServer { server in
            for path in ["/", "/e/x"] {
                let answer = try await server.visit(path)
                #expect(answer.problem.hasPrefix("404 noSuchPath"))
            }
        }
    }

    @Test(arguments: ["evil.example", "10.0.0.1"])
    func `pages accept only host names of this machine`(host: String) async throws {
        try await withServer(pages: .pages()) { server in
            let answer = try await server.visit("/", headers: [("Host", host)])
            #expect(answer.status == 403)
            #expect(answer.text.contains("this server answers on this machine only"))
        }
    }

    @Test func `charts and intervals of an experiment can be downloaded`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 9).train(in: server.store)
            let picture = try await server.visit("/e/digits/charts/curves.svg")
            #expect(picture[header: "Content-Type"] == "image/svg+xml")
            #expect(picture.text.contains("xmlns=\"http://www.w3.org/2000/svg\""))
            #expect(!picture.text.contains("var(--"), "programs that show files know no variables")
            let dark = try await server.visit("/e/digits/charts/curves.svg?theme=dark&w=360")
            #expect(dark.text.contains("width=\"360\""))
            #expect(dark.text != picture.text)
            let table = try await server.visit("/e/digits/members.csv")
            #expect(table[header: "Content-Type"] == "text/csv; charset=utf-8")
            #expect(table.text.hasPrefix("member,interval,"))
            let json = try await server.visit("/e/digits/members.json").json
            #expect(json.array?.count == table.text.split(separator: "\r\n").count - 1)
            #expect(json.array?.first?["token"] == nil, "leases are secret")
        }
    }

    @Test func `scripts and styles are small, and cached by their contents`() async throws {
        #expect(Assets.script.bytes.count <= 8 << 10)
        #expect(Assets.style.bytes.count <= 12 << 10)
        try await withServer(pages: .pages()) { server in
            for asset in [Assets.script, Assets.style, Assets.icon] {
                let answer = try await server.visit(asset.path)
                #expect(answer.status == 200)
                #expect(answer.bytes == asset.bytes)
                #expect(answer[header: "Cache-Control"] == "public, max-age=31536000, immutable")
                let tag = try #require(answer[header: "ETag"])
                let again = try await server.visit(asset.path, headers: [("If-None-Match", tag)])
                #expect(again.status == 304)
                let plain = try await server.visit(String(asset.path.prefix { $0 != "?" }))
                #expect(plain[header: "Cache-Control"] == "no-cache")
            }
            let page = try await server.visit("/")
            #expect(page.text.contains("src=\"\(Assets.script.path)\""))
            #expect(page.text.contains("href=\"\(Assets.style.path)\""))
        }
    }

    @Test func `an unreadable store is reported on a page`() async throws {
        let store = BrokenStore(PBTError(.unusableStore, "the file is gone"))
        try await withServer(store: store, pages: .pages()) { server in
            for path in ["/", "/e/toy", "/e/toy/members"] {
                let answer = try await server.visit(path)
                #expect(answer.status == 503)
                #expect(answer.text.contains("Store unavailable"))
                #expect(answer.text.contains("the file is gone"))
                #expect(answer[header: "Retry-After"] == "10")
            }
        }
    }
}
