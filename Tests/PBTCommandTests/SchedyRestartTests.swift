// SPDX-License-Identifier: Apache-2.0

import Foundation
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

/// What a client of Schedy does while its server is restarted.
@Suite(.timeLimit(.minutes(10)))
struct SchedyRestartTests {
    /// A response: its status, its body, and its entity tag.
    private struct Response {
        let status: String
        let body: String
        let tag: String

        var json: Value? { try? Value(json: body) }
    }

    private static func root(_ lines: inout Lines) async throws -> String {
        let line = try await lines.wait(for: "listening on http")
        return line.dropFirst("listening on ".count) + "/schedy/"
    }

    private static func call(
        _ workplace: Workplace, _ method: String, _ url: String, _ body: String? = nil, bearer: String? = nil,
        headers: [String] = []
    ) async throws -> Response {
        var arguments = ["-X", method, url]
        for header in headers + (bearer.map { ["Authorization: Bearer \($0)"] } ?? []) { arguments += ["-H", header] }
        if let body { arguments += ["--data-binary", body] }
        let answer = try await Command.shell(
            ["-c", "curl -s -w '\\n%header{etag}\\n%{http_code}' \"$@\"", "curl"] + arguments, in: workplace.directory)
        try #require(answer.code == 0, "\(answer)")
        let lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return Response(status: lines[lines.count - 1], body: lines[0], tag: lines[lines.count - 2])
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `a job runs on while the server restarts, with the token that its worker has`(signal: Int32) async throws {
        let workplace = try Workplace()
        let token = try await workplace.pbt("token", "create", "laptop", "--scope", "admin").output
            .trimmingCharacters(in: .newlines)
        let serve = ["serve", "--schedy", "--tokens", "--port", "0"]
        let (_, first, (bearer, job, tag)) = try await Command.live(serve, in: workplace.directory) { lines, process in
            let root = try await Self.root(&lines)
            let signedIn = try await Self.call(
                workplace, "POST", root + "token/", #"{"email": "laptop", "token": "\#(token)"}"#)
            let bearer = try #require(signedIn.json?["token"]?.string)
            _ = try await Self.call(
                workplace, "PUT", root + "experiments/e/", #"{"scheduler": {"Manual": null}}"#, bearer: bearer)
            _ = try await Self.call(
                workplace, "POST", root + "experiments/e/jobs/", #"{"hyperparameters": {"lr": 1}}"#, bearer: bearer)
            let next = try await Self.call(workplace, "GET", root + "experiments/e/nextjob/", bearer: bearer)
            let job = try #require(next.json?["id"]?.string)
            let running = try await Self.call(
                workplace, "PUT", root + "experiments/e/jobs/\(job)/", #"{"status": "RUNNING"}"#, bearer: bearer,
                headers: ["If-Match: \(next.tag)"])
            #expect(running.status == "200")
            kill(process, signal)
            return (bearer, job, running.tag)
        }
        let (_, second, _) = try await Command.live(serve, in: workplace.directory) { lines, process in
            let root = try await Self.root(&lines)
            let done = try await Self.call(
                workplace, "PUT", root + "experiments/e/jobs/\(job)/",
                #"{"status": "DONE", "results": {"losses": [NaN, 2, 1], "wer": 0.25}}"#, bearer: bearer,
                headers: ["If-Match: \(tag)"])
            #expect(done.status == "200", "\(done.body)")
            #expect(done.json?["status"] == "DONE")
            // As the client's own example reads it.
            let least = try await Command.shell(
                [
                    "-c",
                    "printf %s \"$1\" | python3 -c 'import json, sys; print(min(json.load(sys.stdin)[\"results\"][\"losses\"][1:]), "
                        + "json.loads(\"NaN\"))'",
                    "sh", done.body,
                ], in: workplace.directory)
            #expect(least.output == "1 nan\n", "\(least.error)")
            kill(process, SIGTERM)
        }
        // The key is in no log.
        for lines in [first, second] { #expect(lines.count == 1, "\(lines)") }
        let shown = try await workplace.pbt("show", "e")
        #expect(shown.output.contains("1 of 1 finished: 1 done"))
        #expect(
            shown.output.contains("no objective: nothing is ranked; declare one with: pbt edit e --minimize METRIC"))
        #expect(shown.output.contains("no interval has a score"))
        #expect(shown.output.contains("WER"))
        #expect(try await workplace.show("e")["objective"] == .null)
        let none = try await workplace.pbt("best", "e")
        #expect(none.code != 0)
        #expect(none.error.contains("\"e\" has no objective, so there is no best interval"))
        let declared = try await workplace.pbt("edit", "e", "--minimize", "wer")
        #expect(declared.output == "e has revision 1: wer, lower is better; best 0@0 0.2500\n", "\(declared)")
        #expect(try await workplace.pbt("best", "e").code == 0)
        #expect(try await workplace.pbt("explain", "e", "--all").code == 0)
    }

    @Test func `an integer that would be rounded is refused by push`() async throws {
        let workplace = try Workplace()
        try workplace.write(
            """
            name: m
            kind: manual
            open: true
            objective: null
            intervals: 1
            space: {}
            """, to: "m.yaml")
        #expect(try await workplace.pbt("create", "m.yaml").code == 0)
        for text in ["n=18446744073709551615", "n=[1, -9223372036854775809]"] {
            let refused = try await workplace.pbt("push", "m", text)
            #expect(refused.code == 64)
            #expect(refused.error.contains("does not fit into 64 bits and would be rounded"), "\(refused.error)")
        }
        let exact = try await workplace.pbt("push", "m", "n=9223372036854775807", "--json")
        #expect(try Value(json: exact.output)["hyperparameters"] == ["n": .integer(.max)])
        try workplace.write(
            "name: f\nseed: 1\nintervals: 18446744073709551615\n", to: "f.yaml")
        let file = try await workplace.pbt("create", "f.yaml")
        #expect(file.error.contains("has the integer 18446744073709551615, which does not fit into 64 bits"))
    }

    @Test func `no objective is only for searches that nothing ranks`() async throws {
        let workplace = try Workplace()
        try workplace.write(
            "name: m\nkind: manual\nobjective: null\nintervals: 1\nspace: {}\ncommand: [true]\n", to: "m.yaml")
        let refused = try await workplace.pbt("create", "m.yaml")
        #expect(refused.code != 0)
        #expect(
            refused.error.contains(
                "objective: may be null only with open: true, kind: manual or random_search, and without a command"))
    }
}
