// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTSchedy
import PBTTesting
import Testing

@testable import PBTDashboard
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct JobsPageTests {
    /// A job in each state: `<b>` and a text of another direction are ids that a client may choose.
    private static func fill(_ place: JobsPlace) async throws {
        try await place.createManual()
        try await place.add("good", .done, ["accuracy": 0.9, "model_path": "/models/<good>.pt"], lr: 0.01)
        try await place.add("482910", .done, ["accuracy": 0.5, "weights_path": "w.bin"], lr: 0.1)
        try await place.add("plain", .done, ["accuracy": 0.4], lr: 0.2)
        try await place.add("crash", .crashed, lr: 0.3)
        try await place.add("run", .running, lr: 0.4)
        try await place.add("<b>", .queued, lr: 0.5)
    }

    /// The ids of the rows that a page shows, in order.
    private static func ids(_ page: PageText) -> [String] {
        page.block("members")?.matches(of: /<th scope="row"[^>]*><a href="[^"]*"><bdi[^>]*>([^<]*)<\/bdi>/)
            .map { String($0.output.1) } ?? []
    }

    @Test func `job ids are the first column, linked, on every page`() async throws {
        try await JobsPlace.with { place in
            try await Self.fill(place)
            let jobs = try await place.page("/e/sweep/members")
            #expect(Self.ids(jobs) == ["good", "482910", "plain", "crash", "run", "&lt;b&gt;"])
            for path in [
                "/e/sweep", "/e/sweep/members", "/e/sweep/members?rows=members", "/e/sweep/events?only=all",
                "/e/sweep/m/0", "/e/sweep/m/3",
            ] {
                let page = try await place.page(path)
                #expect(page.isWellFormed, "\(path)")
                #expect(!page.text.contains("<b>\""), "\(path)")
            }
            let overview = try await place.page("/e/sweep")
            #expect(Self.ids(overview).first == "good")
            let events = try await place.page("/e/sweep/events?only=all")
            #expect(events.text.contains("<th scope=\"col\">job</th><th scope=\"col\">time (UTC)</th>"))
            #expect(events.text.contains("<a href=\"/e/sweep/m/3?interval=0\"><bdi>crash</bdi></a>"))
            #expect(try await place.page("/e/sweep/m/3").text.contains("<code>crash</code>"))
            let csv = try await place.server.visit("/e/sweep/members.csv").text.split(separator: "\r\n")
            let column = try #require(csv.first?.split(separator: ",").firstIndex(of: "id"))
            let cells = csv.dropFirst().map {
                String($0.split(separator: ",", omittingEmptySubsequences: false)[column])
            }
            #expect(cells == ["good", "482910", "plain", "crash", "run", "<b>"])
        }
    }

    @Test func `jobs are found by the beginning of their id, also one that is a number`() async throws {
        try await JobsPlace.with { place in
            try await Self.fill(place)
            for (filter, ids) in [
                ("goo", ["good"]), ("482", ["482910"]), ("3", ["crash"]), ("state:failed", ["crash"]),
                ("accuracy%3E0.45", ["good", "482910"]), ("score%3E0.45%20lr%3C0.05", ["good"]), ("nobody", []),
                ("m.model_path%3D%2Fmodels%2F%3Cgood%3E.pt", ["good"]),
            ] {
                let page = try await place.page("/e/sweep/members?filter=\(filter)")
                #expect(Self.ids(page) == ids, "\(filter)")
                #expect(page.block("members")?.contains("role=\"alert\"") == false, "\(filter)")
            }
        }
    }

    @Test func `the overview counts jobs by state, and each count leads to them`() async throws {
        try await JobsPlace.with { place in
            try await Self.fill(place)
            let counts = try #require(try await place.page("/e/sweep").block("counts"))
            for (text, ids) in [
                ("3 done", ["good", "482910", "plain"]), ("1 running", ["run"]), ("1 waiting", ["&lt;b&gt;"]),
                ("1 failed", ["crash"]),
            ] {
                let path = counts.matches(of: /<a href="([^"]*)">([^<]*)<\/a>/).first { $0.output.2 == text }?.output.1
                let page = try await place.page(String(try #require(path)).replacing("&amp;", with: "&"))
                #expect(Self.ids(page) == ids, "\(text)")
            }
        }
    }

    @Test func `a population's rows are its jobs or its members, with a time of change`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 20).train(in: server.store)
            let count = try await server.store.intervals(of: "digits").count
            let intervals = PageText(try await server.visit("/e/digits/members?rows=intervals&sort=id"))
            #expect(Self.ids(intervals).prefix(4) == ["0@0", "0@1", "0@2", "0@3"])
            #expect(Self.ids(intervals).count == count)
            #expect(intervals.text.contains(">modified</a>"))
            #expect(intervals.block("members")?.contains("<time datetime=") == true)
            #expect(intervals.text.contains("<b>intervals</b>"))
            let members = PageText(try await server.visit("/e/digits/members"))
            #expect(members.text.contains("<b>members</b>"))
            #expect(members.block("members")?.matches(of: /<tr id="m\d"/).count == 6)
        }
    }

    @Test func `a page has as many rows as asked, and the next follows`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 40).train(in: server.store)
            let all = Self.ids(PageText(try await server.visit("/e/digits/members?rows=intervals&sort=id&size=250")))
            var paged: [String] = []
            for page in 0..<2 {
                let shown = PageText(
                    try await server.visit("/e/digits/members?rows=intervals&sort=id&size=25&page=\(page)"))
                paged += Self.ids(shown)
                #expect(shown.text.contains("rel=\"prev\"") == (page > 0))
            }
            #expect(paged == all && all.count > 40)
        }
    }

    @Test(arguments: [
        ("?tip=9@9", "?tip=9@9: &quot;digits&quot; has no such interval"),
        ("?color=lrr", "?color= names no hyperparameter: &quot;lrr&quot;; did you mean &quot;lr&quot;?"),
        ("?a=lr&b=no", "?b= names no hyperparameter"), ("?a=lr", "?a= and ?b= belong together"),
        ("?stars=yes", "?stars= must be 0 or 1"), ("?baseline=2", "?baseline= must be 0 or 1"),
        ("/members?columns=state,lr", "?columns= names no column: &quot;lr&quot;; did you mean &quot;h.lr&quot;?"),
        ("/members?sort=-nothing", "?sort= names no column: &quot;nothing&quot;"),
        ("/members?rows=jobs", "?rows= must be members or intervals"),
        ("/members?size=0", "?size= must be a number from 1 to 500"),
        ("/members?page=x", "?page= must be a number from 0"), ("/events?only=bad", "?only= must be notable or"),
        ("/events?before=x", "?before= must be a number"),
    ])
    func `an option that names nothing is an error that says so`(query: String, message: String) async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 9).train(in: server.store)
            let answer = try await server.visit("/e/digits\(query)")
            #expect(answer.status == 400)
            #expect(answer.text.contains(message), "\(PageText(answer).text.suffix(2000))")
        }
    }

    @Test(arguments: [
        ("acuracy%3E0.5", "there is no column &quot;acuracy&quot;; did you mean &quot;accuracy&quot;?"),
        ("zzz%3D1", "there is no column &quot;zzz&quot;; there are &quot;score&quot;"),
        ("state:lost", "there is no state &quot;lost&quot;; there are"), ("%3E1", "invalid filter"),
    ])
    func `a filter by an unknown column says so`(filter: String, message: String) async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 9).train(in: server.store)
            let page = PageText(try await server.visit("/e/digits/members?filter=\(filter)"))
            #expect(page.block("members")?.contains("role=\"alert\"") == true)
            #expect(page.text.contains(message))
            #expect(page.isWellFormed)
        }
    }

    @Test func `a job's files are what its results name, and never a directory that does not exist`() async throws {
        try await JobsPlace.with { place in
            try await Self.fill(place)
            let good = try await place.page("/e/sweep/m/0")
            #expect(good.text.contains("<code>/models/&lt;good&gt;.pt</code>"))
            #expect(try await place.page("/e/sweep/m/1").text.contains("<code>w.bin</code>"))
            #expect(try await place.page("/e/sweep/m/2").text.contains("none here"))
            for member in 0..<6 {
                #expect(!(try await place.page("/e/sweep/m/\(member)").text.contains("m000\(member)-i0000")))
            }
        }
    }

    @Test func `nobody is told to start a worker that has no command`() async throws {
        try await JobsPlace.with { place in
            try await place.createManual()
            try await place.add("a", .queued)
            let text = try await place.page("/e/sweep").text
            #expect(text.contains("1 member is waiting for a worker"))
            #expect(text.contains("take them with Schedy"))
            #expect(!text.contains("pbt worker") && !text.contains("pbt run"))
        }
        try await withServer(pages: .pages()) { server in
            try await server.create("toy")
            #expect(try await server.store.record(of: "toy").experiment.trainer == nil)
            let text = try await server.visit("/e/toy").text
            #expect(text.contains("It has no command") && !text.contains("pbt worker"))
            try await TrainedRun(finishing: 0).train(in: server.store)
            #expect(try await server.visit("/e/digits").text.contains("pbt worker"))
        }
    }

    @Test func `a lease without an end has no time left, and a worker of many jobs is busy at most all the time`()
        async throws
    {
        try await JobsPlace.with { place in
            try await place.createManual()
            for job in 0..<5 { try await place.add("job\(job)", .running) }
            let block = try #require(try await place.page("/e/sweep/workers").block("workers"))
            #expect(block.contains("no limit"))
            #expect(block.firstMatch(of: /\d+d\d+h left/) == nil)
            let shares = block.matches(of: /(\d+)%/).compactMap { Int($0.output.1) }
            #expect(shares.allSatisfy { $0 <= 100 }, "\(shares)")
        }
        let clock = ManualClock()
        try await withServer(store: InMemoryStore(clock: clock.store), pages: .pages(clock: clock.store)) { server in
            _ = try await server.store.create(TrainedRun(population: 3, intervals: 1).experiment)
            let claims = try await server.store.claim(3, from: "digits", by: "box", for: .seconds(600), key: nil)
            clock.advance(by: .seconds(10))
            for assignment in claims.assignments.dropLast() {
                _ = try await server.store.finish(
                    assignment.lease,
                    .trained(score: 0.5, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)"))
            }
            clock.advance(by: .seconds(10))
            let block = try #require(PageText(try await server.visit("/e/digits/workers")).block("workers"))
            #expect(block.contains(">100%<"), "three slots are one worker that is busy all the time")
        }
    }
}
