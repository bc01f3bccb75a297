// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import PBT
import PBTAPI
import PBTCheckpoints
import PBTTesting
import SystemPackage
import Testing

@testable import PBTDashboard
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct StatesTests {
    private static func banners(_ server: TestServer, _ path: String = "/e/digits") async throws -> String {
        try #require(PageText(try await server.visit(path)).block("banners"))
    }

    @Test func `before the first score a page shows the waiting members, and no invented numbers`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 0).train(in: server.store)
            let page = PageText(try await server.visit("/e/digits"))
            #expect(page.block("banners")?.contains("No score yet") == true)
            #expect(page.block("banners")?.contains("6 members are waiting for a worker") == true)
            #expect(page.block("tiles")?.contains("<dd>–</dd>") == true)
        }
    }

    @Test func `a worker with an expired lease is named, with what happens next`() async throws {
        let clock = ManualClock()
        let store = InMemoryStore(clock: clock.store)
        try await withServer(store: store, pages: .pages(clock: clock.store)) { server in
            try await TrainedRun(finishing: 6).train(in: store, clock: clock)
            _ = try await store.claim(1, from: "digits", by: "box/9/a/w", for: .seconds(60), key: nil)
            let before = try await Self.banners(server)
            #expect(!before.contains("silent"))
            clock.advance(by: .seconds(90))
            let after = try await Self.banners(server)
            #expect(after.contains("box/9/w</bdi> is silent: its lease expired 30s ago"))
            #expect(after.contains("will be retried (attempt 2 of 2) by the next worker that claims"))
            let workers = PageText(try await server.visit("/e/digits/workers"))
            #expect(workers.text.contains("! silent 30s"))
        }
    }

    @Test func `a failed run shows the first error, the command and the end of the log`() async throws {
        try await withTemporaryDirectory { directory in
            let data = DataDirectory(FilePath(directory))
            let store = InMemoryStore()
            try await TrainedRun(population: 2, retries: 0, score: { _ in nil }).train(in: store)
            // None is lost: nothing was ever trained.
            let first = try #require(try await store.intervals(of: "digits").first { $0.reason != nil })
            #expect(first.state == .waiting)
            let log = data.log(of: first.id, attempt: 1, of: "digits")
            try FileSystem.makeDirectories(log.removingLastComponent())
            try FileSystem.write((1...30).map { "line \($0)\n" }.joined() + "boom & <bang>\n", to: log)
            try await withServer(store: store, data: data, pages: .pages()) { server in
                let text = try await Self.banners(server)
                #expect(text.contains("<strong>Failed</strong>"))
                #expect(text.contains("exit 1: boom &lt;script&gt;"))
                #expect(text.contains("python3 train.py"))
                #expect(text.contains("pbt resume digits"))
                #expect(text.contains("line 30\nboom &amp; &lt;bang&gt;</pre>"))
                #expect(text.contains("line 12\n"))
                #expect(!text.contains("line 11\n"), "twenty lines")
            }
        }
    }

    @Test func `each edit is shown with its time, the intervals before it, old and new value, escaped`() async throws {
        try await withServer(pages: .pages()) { server in
            let run = TrainedRun(finishing: 7)
            try await run.train(in: server.store)
            let before = PageText(try await server.visit("/e/digits"))
            #expect(before.block("revisions")?.contains("Revisions") == false)
            var experiment = run.experiment
            experiment.intervals = 12
            experiment.trainer?.command = ["python3", "<script>alert(1)</script>.py", "\u{202E}\u{7}"]
            _ = try await server.store.revise(experiment)
            experiment.intervals = 9
            let second = try await server.store.revise(experiment)
            for path in ["/e/digits", "/e/digits/events"] {
                let page = PageText(try await server.visit(path))
                #expect(page.isWellFormed)
                let block = try #require(page.block(path == "/e/digits" ? "revisions" : "events"))
                #expect(block.contains("intervals: <code>8</code> → <code>12</code>"))
                #expect(block.contains("intervals: <code>12</code> → <code>9</code>"))
                #expect(block.contains("command: <code>python3 train.py</code> → <code>python3 "))
                #expect(block.contains("&lt;script&gt;alert(1)&lt;/script&gt;.py"))
                #expect(!block.contains("\u{202E}") && !block.contains("\u{7}"))
                // Newest first.
                let places = ["<code>9</code>", "<code>8</code>"].compactMap { block.firstRange(of: $0)?.lowerBound }
                #expect(places.count == 2 && places[0] < places[1])
            }
            let table = try #require(PageText(try await server.visit("/e/digits")).block("revisions"))
            #expect(table.contains("datetime=\"\(second.time)\""))
            #expect(table.contains("<td>7 intervals</td>"))
        }
    }

    @Test func `paused, diverged and failed are shown in words`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(
                retries: 0, finishing: 12,
                score: { $0.id == IntervalID(member: 1, index: 0) ? nil : $0.id.member == 2 ? .nan : 0.5 }
            ).train(in: server.store)
            try await server.store.pause("digits")
            let text = try await Self.banners(server)
            #expect(text.contains("Paused"))
            #expect(text.contains("pbt resume digits"))
            #expect(text.contains("1 interval failed, retries exhausted"))
            let page = try await server.visit("/e/digits")
            #expect(!page.text.lowercased().contains(">nan<"))
            let trouble = try await server.visit("/e/digits/events?only=trouble")
            #expect(trouble.text.contains(">diverged<"))
            #expect(trouble.text.contains(">failed<"))
        }
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "a/b?c#d%20", "\u{5d0}\u{202e}x", "日本 \"quoted\" & 'so'", ".",
    ])
    func `a name is shown as text and leads to its page, whatever it holds`(name: String) async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(
                name: name, objective: .minimize("<i>loss</i>"),
                space: ["x": .choice([.string("<b>&\"'"), .string(name)])], population: 3, intervals: 2,
                score: { _ in 0.5 }
            ).train(in: server.store)
            let path = Links.experiment(name)
            for page in ["", "/members", "/m/0", "/lineage", "/events?only=all", "/workers", "/charts/curves"] {
                let answer = try await server.visit("\(path)\(page)")
                #expect(answer.status == 200, "\(page)")
                let text = PageText(answer)
                #expect(text.isWellFormed, "\(page)")
                #expect(!text.text.contains("<script>"))
                #expect(!text.text.contains("<b>&"))
                #expect(!text.text.contains("<i>"))
                #expect(!text.text.contains("\u{202e}"))
            }
            let list = try await server.visit("/")
            #expect(list.text.contains("href=\"\(path)\""))
            let compare = try await server.visit("/compare?runs=\(PathSegment.encode(name))")
            #expect(compare.status == 200)
        }
    }

    @Test func `a page stays within its budget of elements and bytes`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(population: 20, intervals: 40).train(in: server.store)
            let page = PageText(try await server.visit("/e/digits"))
            #expect(page.nodes <= 1500)
            #expect(page.text.utf8.count <= 160 << 10)
            try await TrainedRun(name: "many", population: 300, intervals: 3).train(in: server.store)
            let many = PageText(try await server.visit("/e/many"))
            #expect(many.nodes <= 6000)
            let members = PageText(try await server.visit("/e/many/members"))
            #expect(members.text.contains("showing 1–100 of 300"))
            #expect(members.text.matches(of: /<tr id=/).count == 100)
            let last = PageText(try await server.visit("/e/many/members?page=2"))
            #expect(last.text.contains("showing 201–300 of 300"))
        }
    }

    @Test(arguments: ["score", "-score"])
    func `members without a score come last in either order`(sort: String) async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(
                kind: .randomSearch, retries: 0, score: { $0.id.member == 3 ? nil : Double($0.id.member) }
            )
            .train(in: server.store)
            let page = PageText(try await server.visit("/e/digits/members?sort=\(sort)"))
            let order = page.text.matches(of: /<tr id="m(\d+)"/).map { Int($0.output.1) }
            #expect(order == (sort == "score" ? [5, 4, 2, 1, 0, 3] : [0, 1, 2, 4, 5, 3]))
            #expect(page.text.contains("aria-sort=\"\(sort == "score" ? "descending" : "ascending")\""))
        }
    }

    @Test func `the columns of the members are selected in the URL, including metrics and unusual names`() async throws
    {
        try await withServer(pages: .pages()) { server in
            var run = TrainedRun()
            run.metrics = ["loss": 0.25, "a,b": 7, "<i>": "x"]
            try await run.train(in: server.store)
            func titles(_ page: PageText) -> [String] {
                let table = page.block("members") ?? ""
                return table.matches(of: /<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]*)/).map { String($0.output.1) }
            }
            func links(_ page: PageText) -> [String: String] {
                let part =
                    page.text.firstMatch(of: /<details id="columns".*?<\/details>/.dotMatchesNewlines())?.output ?? ""
                return Dictionary(
                    part.matches(of: /<a href="([^"]*)">(?:<b>✓ )?([^<]*)/).map {
                        (String($0.output.2), String($0.output.1).replacing("&amp;", with: "&"))
                    }
                ) { first, _ in first }
            }
            let usual = PageText(try await server.visit("/e/digits/members?sort=member"))
            #expect(
                titles(usual) == [
                    "member ▲", "state", "accuracy ↑", "Δ", "interval", "lr", "momentum", "copies", "from",
                ])
            #expect(usual.text.contains("The same for all: "))
            #expect(
                links(usual).keys.sorted() == [
                    "&lt;i&gt;", "a,b", "accuracy ↑", "batch", "copies", "from", "interval", "loss", "lr",
                    "modified", "momentum", "state", "Δ",
                ])
            // What is not shown is added, in its place; what is shown is taken away.
            let more = PageText(try await server.visit("/e/digits/members\(try #require(links(usual)["a,b"]))"))
            #expect(more.isWellFormed)
            #expect(titles(more).suffix(5) == ["lr", "momentum", "a,b", "copies", "from"])
            #expect(more.text.contains(">7<"))
            let odd = PageText(try await server.visit("/e/digits/members\(try #require(links(more)["&lt;i&gt;"]))"))
            #expect(titles(odd).contains("&lt;i&gt;") && odd.text.contains("The same for all: "))
            let whole = PageText(try await server.visit("/e/digits/members\(try #require(links(odd)["batch"]))"))
            #expect(titles(whole).contains("batch") && !whole.text.contains("The same for all: "))
            let less = PageText(try await server.visit("/e/digits/members\(try #require(links(whole)["lr"]))"))
            #expect(!titles(less).contains("lr") && titles(less).contains("a,b"))
            // Sorting and filtering keep the choice; and so does a filter that nothing fits.
            #expect(
                less.hidden("columns") == "state,score,gain,interval,h.momentum,h.batch,m.%3Ci%3E,m.a%2Cb,copies,from")
            let none = PageText(try await server.visit("/e/digits/members?filter=score%3E9&columns=score,m.loss"))
            #expect(links(none)["lr"] == "?columns=score%2Ch.lr%2Cm.loss&filter=score%3E9")
            let bare = PageText(try await server.visit("/e/digits/members?columns=&sort=-m.loss"))
            #expect(titles(bare) == ["member"])
            #expect(bare.isWellFormed)
        }
    }

    @Test func `of a thousand metrics fifty can be selected, and those that the URL names`() async throws {
        try await withServer(pages: .pages()) { server in
            var run = TrainedRun(population: 2, intervals: 1)
            run.metrics = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("k\($0)", .integer($0)) })
            try await run.train(in: server.store)
            let usual = PageText(try await server.visit("/e/digits/members"))
            #expect(usual.text.contains("and 950 more metrics"))
            #expect(usual.text.utf8.count < 40_000)
            let named = PageText(try await server.visit("/e/digits/members?columns=m.k999"))
            #expect(named.text.contains("✓ k999") && named.text.contains(">999<"))
            #expect(named.text.contains("and 949 more metrics"))
        }
    }

    @Test func `a page is notified of changes only`() async throws {
        try await withServer(pages: .pages()) { server in
            try await server.create("toy")
            try await server.create("other")
            let last = try await server.store.lastEvent()
            var frames = EventFrames(try await server.view("/e/toy/live?rev=\(last)"))
            while !frames.text.hasPrefix("retry: 2000\n\n") { #expect(try await frames.more()) }
            try await server.store.pause("other")
            try await server.store.pause("toy")
            let frame = try await frames.next()
            #expect(frame?.event == "rev")
            #expect(frame?.id.flatMap { Int64($0) } == last + 2, "what happens elsewhere is no news")
            var late = EventFrames(try await server.view("/e/toy/live?rev=0"))
            #expect(try await late.next()?.event == "rev")
        }
    }

    @Test func `a snapshot is prefetched before pages are notified`() async throws {
        let store = CountingStore(InMemoryStore())
        try await withServer(store: store, pages: .pages()) { server in
            try await server.create("toy")
            let last = try await store.lastEvent()
            var frames = EventFrames(try await server.view("/e/toy/live?rev=\(last)"))
            while !frames.text.hasPrefix("retry: 2000\n\n") { #expect(try await frames.more()) }
            #expect(store.wholes == 0)
            try await store.pause("toy")
            #expect(try await frames.next()?.event == "rev")
            #expect(store.wholes == 1)
            #expect(try await server.visit("/e/toy").text.contains("Paused"))
            #expect(store.wholes == 1)
        }
    }

    @Test func `ten viewers of one state cost one read`() async throws {
        let store = InMemoryStore()
        let snapshots = Snapshots(store: store, clock: .system, rest: 0)
        try await TrainedRun(finishing: 5).train(in: store)
        for _ in 0..<10 { _ = try await snapshots.snapshot(of: "digits") }
        #expect(await snapshots.reads == 1)
    }
}
