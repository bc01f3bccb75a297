// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The dashboard of `pbt run` and `pbt serve`, asked as a browser asks.
@Suite(.timeLimit(.minutes(10)))
struct DashboardTests {
    /// What a browser gets: the status, and the page.
    private struct Page {
        var status: Substring
        var text: String
    }

    private static func visit(_ workplace: Workplace, _ url: String, form: String? = nil) async throws -> Page {
        let fields = form.map { ["--data", $0, "-H", "Sec-Fetch-Site: same-origin"] } ?? []
        let answer = try await Command.shell(
            ["-c", "curl -s -w '\\n%{http_code}' -H 'Accept: text/html' \"$@\"", "curl", url] + fields,
            in: workplace.directory)
        try #require(answer.code == 0, "\(answer)")
        let end = try #require(answer.output.lastIndex(of: "\n"))
        return Page(status: answer.output[end...].dropFirst(), text: String(answer.output[..<end]))
    }

    /// The address at the end of a line.
    private static func address(_ line: String) throws -> String {
        String(try #require(line.split(separator: " ").last))
    }

    /// The value of a form's hidden field.
    private static func secret(_ page: Page) throws -> String {
        let start = try #require(page.text.firstRange(of: "name=\"form_token\" value=\""))
        return String(page.text[start.upperBound...].prefix { $0 != "\"" })
    }

    /// Serves an experiment that waits for a worker, and ends the server when the body is over.
    private static func serving(
        _ options: String..., body: @Sendable (Workplace, _ root: String) async throws -> Void
    ) async throws {
        let workplace = try Workplace()
        try workplace.experiment()
        _ = try await workplace.pbt("create", "toy.yaml")
        let (code, _, _) = try await Command.live(["serve", "--port", "0"] + options, in: workplace.directory) {
            lines, process in
            let root = try address(try await lines.wait(for: "listening on http"))
            defer { kill(process, SIGTERM) }
            try await body(workplace, root)
        }
        #expect(code == 0)
    }

    // MARK: Beside a run

    @Test func `run --dashboard names a page that shows the run, can do nothing, and is told when it ends`()
        async throws
    {
        let workplace = try Workplace()
        try workplace.experiment(trainer: "gated.sh", population: 2, intervals: 2)
        let gate = try Gate(in: workplace)
        let (code, lines, stream) = try await Command.live(
            ["run", "toy.yaml", "--dashboard=0"], in: workplace.directory
        ) { lines, _ in
            let page = try Self.address(try await lines.wait(for: "dashboard http://127.0.0.1:"))
            #expect(page.hasSuffix("/e/toy"))
            let shown = try await Self.visit(workplace, page)
            #expect(shown.status == "200")
            #expect(shown.text.contains("data-live=\"/e/toy/live\""))
            #expect(!shown.text.contains("/control/"))
            let metrics = try await Self.visit(workplace, page.replacing("/e/toy", with: "/metrics"))
            #expect(metrics.text.contains("\npbt_attempts_total{end=\"done\"} 0\n"), "of the run's own workers, too")
            #expect(metrics.text.contains("\npbt_http_requests_in_flight 1\n"))
            for form in [nil, "form_token=x"] {
                let refused = try await Self.visit(workplace, "\(page)/control/pause", form: form)
                #expect(refused.status == "403")
                #expect(
                    refused.text.contains(
                        "this dashboard is read-only; serve with --allow-control, or use the command: pbt pause toy"))
            }
            #expect(try await workplace.show("toy")["state"] == "running")
            try gate.open()
            // As a page does: it follows until it is told, asks once more, and lets go.
            let script = """
                mkfifo stream; curl -sN "$1/live?rev=0" > stream & p=$!
                sed '/^event: bye/q' stream; curl -s "$1?fragment=1"; kill $p
                """
            return try await Command.shell(["-c", script, "page", page], in: workplace.directory)
        }
        #expect(code == 0)
        #expect(stream.output.contains("event: rev\n"))
        #expect(stream.output.contains("event: bye\n"))
        #expect(stream.output.contains("data-state=\"finished\" data-over=\"1\""), "the end is shown")
        #expect(stream.output.contains("pbt serve --store") == false, "a fragment is what changes")
        #expect(lines.contains { $0.contains("done") })
    }

    @Test func `without --dashboard a run listens nowhere`() async throws {
        let workplace = try Workplace()
        try workplace.experiment()
        let answer = try await workplace.pbt("run", "toy.yaml")
        #expect(answer.code == 0)
        #expect(!answer.error.contains("http://"), "\(answer.error)")
    }

    @Test func `a dashboard that cannot listen is an error before anything is trained`() async throws {
        let workplace = try Workplace()
        try workplace.experiment("other")
        try workplace.experiment(trainer: "gated.sh")
        let gate = try Gate(in: workplace)
        _ = try await Command.live(["run", "toy.yaml", "--dashboard=0"], in: workplace.directory) { lines, _ in
            let page = try Self.address(try await lines.wait(for: "dashboard http://127.0.0.1:"))
            let port = try #require(page.split(separator: ":").last?.prefix { $0.isNumber })
            let second = try await workplace.pbt("run", "other.yaml", "--dashboard=\(port)")
            #expect(second.code == 73)
            #expect(second.error.contains("error: cannot listen on 127.0.0.1:\(port): "))
            #expect(second.error.contains("Choose another port"))
            #expect(try await workplace.show("other")["intervals"]?["done"] == 0)
            try gate.open()
        }
    }

    @Test func `a run of a store behind a server leaves the dashboard to that server`() async throws {
        try await Self.serving { workplace, root in
            let answer = try await workplace.pbt("run", "toy.yaml", "--store", root, "--dashboard=0")
            #expect(answer.code == 0)
            #expect(
                answer.error.contains("the store is behind a server, which has a dashboard of its own: \(root)"),
                "\(answer.error)")
        }
    }

    // MARK: Of a server

    @Test func `serve has pages that can do nothing unless it is told so`() async throws {
        try await Self.serving { workplace, root in
            let runs = try await Self.visit(workplace, root)
            #expect(runs.status == "200")
            #expect(runs.text.contains("href=\"/e/toy\""))
            let page = try await Self.visit(workplace, "\(root)/e/toy")
            #expect(page.status == "200")
            #expect(!page.text.contains("/control/"))
            #expect(page.text.contains("read-only"))
            for verb in ["pause", "resume", "stop", "push"] {
                for form in [nil, "form_token=x"] {
                    let refused = try await Self.visit(workplace, "\(root)/e/toy/control/\(verb)", form: form)
                    #expect(refused.status == "403")
                    #expect(
                        refused.text.contains(
                            "this dashboard is read-only; serve with --allow-control, or use the command: pbt \(verb) toy"
                        ))
                }
            }
            #expect(try await workplace.show("toy")["state"] == "running")
        }
    }

    @Test func `with --allow-control its pages do what they ask for, once it is confirmed`() async throws {
        try await Self.serving("--allow-control") { workplace, root in
            let page = try await Self.visit(workplace, "\(root)/e/toy")
            #expect(page.text.contains("href=\"/e/toy/control/pause\""))
            #expect(page.text.contains("read-write"))
            for (verb, state) in [("pause", "paused"), ("resume", "running"), ("stop", "finished")] as [(_, Value)] {
                let url = "\(root)/e/toy/control/\(verb)"
                let before = try await workplace.show("toy")["state"]
                let ask = try await Self.visit(workplace, url)
                #expect(ask.status == "200")
                let forged = try await Self.visit(workplace, url, form: "form_token=x")
                #expect(forged.status == "403")
                #expect(try await workplace.show("toy")["state"] == before)
                let done = try await Self.visit(workplace, url, form: "form_token=\(Self.secret(ask))")
                #expect(done.status == "303")
                #expect(try await workplace.show("toy")["state"] == state)
            }
        }
    }

    @Test func `with --no-dashboard there is the API alone`() async throws {
        try await Self.serving("--no-dashboard") { workplace, root in
            for path in ["", "/e/toy", "/sign-in", "/app.js", "/e/toy/control/pause"] {
                let page = try await Self.visit(workplace, root + path)
                #expect(page.status == "404", "\(path)")
                #expect(!page.text.contains("<html"), "\(path)")
            }
            #expect(try await Self.visit(workplace, "\(root)/api/v1/experiments").status == "200")
        }
    }

    @Test(arguments: [
        (["run", "toy.yaml", "--dashboard=65536"], "--dashboard must be a port between 0 and 65535, not 65536"),
        (["run", "toy.yaml", "--dashboard=-1"], "--dashboard must be a port between 0 and 65535, not -1"),
        (
            ["serve", "--no-dashboard", "--allow-control"],
            "--allow-control requires the dashboard; leave out --no-dashboard"
        ),
    ])
    func `what makes no sense is refused`(arguments: [String], text: String) async throws {
        let workplace = try Workplace()
        try workplace.experiment()
        let answer = try await Command.run(arguments, in: workplace.directory)
        #expect(answer.code == 64)
        #expect(answer.error.contains(text), "\(answer.error)")
        #expect(!workplace.has("pbt.sqlite"))
    }
}
