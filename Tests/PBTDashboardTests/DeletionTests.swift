// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTCheckpoints
import PBTSchedy
import PBTTesting
import SystemPackage
import Testing

@testable import PBTDashboard
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct DeletionTests {
    private static let ours = [("Sec-Fetch-Site", "same-origin")]

    @Test func `without control no page has a checkbox, and nothing is deleted`() async throws {
        try await JobsPlace.with { place in
            try await place.createManual()
            try await place.add("a", .done, ["accuracy": 0.5])
            #expect(!(try await place.page("/e/sweep/members").text.contains("type=\"checkbox\"")))
            for action in ["delete", "delete-jobs"] {
                for form in [nil, [("form_token", "x"), ("job", "a")]] as [[(String, String)]?] {
                    let answer = try await place.server.visit(
                        "/e/sweep/control/\(action)", form: form, headers: Self.ours)
                    #expect(answer.status == 403)
                    #expect(answer.text.contains("serve with --allow-control"))
                }
            }
            #expect(try await place.schedy.job("a", of: "sweep").status == .done)
        }
    }

    @Test func `ticked jobs are deleted after a confirmation, by forms of this server only, and that is logged`()
        async throws
    {
        let log = LogCapture()
        try await JobsPlace.with(control: true, logger: log.logger) { place in
            try await place.createManual()
            for (id, status) in [("a", SchedyJob.Status.done), ("b <i>", .crashed), ("c", .queued), ("d", .running)] {
                try await place.add(id, status, ["accuracy": 0.5])
            }
            let page = try await place.page("/e/sweep/members")
            #expect(page.text.matches(of: /<input type="checkbox" name="job"/).count == 4)
            #expect(page.text.matches(of: /name="job" value="[^"]*" checked/).isEmpty)
            let ticked = try await place.page("/e/sweep/members?ticked=1")
            #expect(ticked.text.matches(of: /name="job" value="[^"]*" checked/).count == 4)

            let path = "/e/sweep/control/delete-jobs"
            let ask = try await place.page("\(path)?job=a&job=b%20%3Ci%3E")
            #expect(ask.isWellFormed && ask.text.contains("b &lt;i&gt;") && ask.text.contains("2 jobs"))
            let secret = try #require(ask.hidden("form_token"))
            func post(_ token: String, _ jobs: [String], _ headers: [(String, String)]) async throws -> Answer {
                try await place.server.visit(
                    path, form: [("form_token", token)] + jobs.map { ("job", $0) }, headers: headers)
            }
            for (token, headers) in [("wrong", Self.ours), (secret, []), (secret, [("Origin", "http://a.example")])] {
                #expect(try await post(token, ["a"], headers).status == 403)
            }
            #expect(try await post(secret, [], Self.ours).status == 422)
            let missing = try await post(secret, ["a", "nobody"], Self.ours)
            #expect(missing.status == 422 && missing.text.contains("there is no job &quot;nobody&quot;"))
            #expect(try await place.schedy.jobs(of: "sweep", from: nil)["items"]?.array?.count == 4)

            let done = try await post(secret, ["a", "b <i>"], Self.ours)
            #expect(done.status == 303)
            #expect(done[header: "Location"] == "/e/sweep/members?rows=intervals")
            let left = try await place.schedy.jobs(of: "sweep", from: nil)["items"]?.array?.compactMap {
                $0["id"]?.string
            }
            #expect(left == ["c", "d"])
            let after = try await place.page("/e/sweep/members")
            #expect(after.text.matches(of: /<input type="checkbox" name="job"/).count == 2)
            let line = log.lines.first { $0.contains("action from the dashboard") }
            #expect(line?.hasPrefix("notice") == true)
            #expect(line?.contains("action=delete-jobs") == true && line?.contains("jobs=a b <i>") == true)
        }
    }

    @Test func `intervals of a population are history, and cannot be deleted one by one`() async throws {
        try await withServer(pages: .pages(control: true), client: still) { server in
            try await TrainedRun(finishing: 9).train(in: server.store)
            let page = PageText(try await server.visit("/e/digits/members?rows=intervals"))
            #expect(!page.text.contains("type=\"checkbox\""))
            let ask = PageText(try await server.visit("/e/digits/control/delete-jobs?job=0@0"))
            #expect(ask.text.contains("are its history") && ask.hidden("form_token") == nil)
        }
    }

    @Test func `an experiment is deleted with its random search and its files, but not while it is trained`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let data = DataDirectory(FilePath("\(directory)/data"))
            try await withServer(data: data, pages: .pages(control: true), client: still) { server in
                try await TrainedRun(hasBaseline: true, finishing: 9).train(in: server.store)
                let files = data.directory(of: "digits")
                try FileSystem.makeDirectories(files)
                let ask = PageText(try await server.visit("/e/digits/control/delete"))
                let secret = try #require(ask.hidden("form_token"))
                #expect(ask.text.contains("class=\"danger\""))
                let claims = try await server.store.claim(1, from: "digits", by: "box", for: .seconds(600), key: nil)
                let lease = try #require(claims.assignments.first?.lease)
                func delete(_ headers: [(String, String)]) async throws -> Answer {
                    try await server.visit("/e/digits/control/delete", form: [("form_token", secret)], headers: headers)
                }
                #expect(try await delete([]).status == 403)
                let busy = try await delete(Self.ours)
                #expect(busy.status == 409 && busy.text.contains("1 interval of &quot;digits&quot; is running"))
                #expect(try await server.store.experiments().count == 2)
                _ = try await server.store.finish(lease, .failed(reason: "x"))
                let done = try await delete(Self.ours)
                #expect(done.status == 303 && done[header: "Location"] == "/")
                #expect(try await server.store.experiments().isEmpty)
                #expect(try !FileSystem.exists(files))
                #expect(try await server.visit("/e/digits").status == 404)
            }
        }
    }
}
