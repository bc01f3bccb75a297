// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTServer
import Testing

/// What no friendly client sends.
///
/// After each the server must answer, and nothing must have changed.
@Suite(.timeLimit(.minutes(10)))
struct HostileTests {
    /// Bytes, and how the answer to them must begin and end.
    struct Attack: Sendable, CustomStringConvertible {
        let description: String
        let bytes: [UInt8]
        let status: Int
        let code: String?
        let detail: String?

        init(_ description: String, _ bytes: [UInt8], _ status: Int, _ code: String? = nil, _ detail: String? = nil) {
            self.description = description
            self.bytes = bytes
            self.status = status
            self.code = code
            self.detail = detail
        }

        init(_ description: String, _ text: String, _ status: Int, _ code: String? = nil, _ detail: String? = nil) {
            self.init(description, Array(text.utf8), status, code, detail)
        }
    }

    /// Sends it, checks the answer, and that the server is still there.
    private func check(_ attack: Attack, _ server: TestServer) async throws {
        try await RawConnection.open(to: server.port) { reader, connection in
            try await connection.send(attack.bytes)
            let answer = try await reader.answer()
            #expect(answer.hasPrefix("HTTP/1.1 \(attack.status) "), "\(attack): \(answer)")
            guard let code = attack.code, let detail = attack.detail else { return }
            let body = try #require(answer.firstRange(of: "\r\n\r\n").map { answer[$0.upperBound...] })
            let json = try Value(json: String(body))
            #expect(json["code"]?.string == code, "\(attack)")
            #expect(json["detail"]?.string == detail, "\(attack)")
            #expect(json["status"]?.int == attack.status, "\(attack)")
        }
        let after = try await server.ask(.GET, "/healthz")
        #expect(after.status == 200, "\(attack)")
        let record = try await server.store.record(of: "toy")
        #expect(record.state == .running, "\(attack)")
        #expect(record.counts[.running] ?? 0 == 0, "\(attack)")
        #expect(try await server.store.experiments().count == 1, "\(attack)")
    }

    private static func get(_ path: String, _ headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n"
    }

    private static func post(_ path: String, _ body: [UInt8], type: String? = "application/json") -> [UInt8] {
        let field = type.map { "Content-Type: \($0)\r\n" } ?? ""
        return Array(
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(field)Content-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    private static func post(_ path: String, _ body: String, type: String? = "application/json") -> [UInt8] {
        post(path, Array(body.utf8), type: type)
    }

    private static let claims = "/api/v1/experiments/toy/claims"
    private static let nothing = "not found; the API is described at /openapi.json"
    private static let noHTTP = "this is not an HTTP request: "
    private static let tooMuch = "the URL and the header fields are too many or too long"

    static let framing: [Attack] = [
        Attack("garbage", "GARBAGE\r\n\r\n", 400, "badRequest", noHTTP + "invalid HTTP method"),
        Attack(
            "TLS to a plain server", [0x16, 3, 1, 2, 0, 1, 0, 1], 400, "badRequest", noHTTP + "invalid HTTP method"),
        Attack(
            "an unheard-of method", "FOO / HTTP/1.1\r\n\r\n", 400, "badRequest", noHTTP + "invalid HTTP method"),
        Attack("HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", 400, "badRequest", noHTTP + "invalid HTTP version"),
        Attack("HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", 200),
        Attack("an absolute URI", get("http://localhost/healthz"), 200),
        Attack("an absolute URI of nothing", get("http://localhost/%"), 404, "noSuchPath", nothing),
        Attack("OPTIONS of all", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "noSuchPath", nothing),
        Attack(
            "OPTIONS", "OPTIONS /api/v1/experiments HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\n\r\n", 405,
            "badMethod", "method OPTIONS not allowed; use GET, HEAD, POST"),
        Attack(
            "TRACE", "TRACE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "badMethod",
            "method TRACE not allowed; use GET, HEAD"),
        Attack(
            "bytes that are no UTF-8 in the path",
            Array("GET /".utf8) + [0xff, 0xfe] + Array(" HTTP/1.1\r\n\r\n".utf8), 400, "badRequest",
            noHTTP + "invalid URL"),
        Attack(
            "a NUL in the path", Array("GET /".utf8) + [0] + Array(" HTTP/1.1\r\n\r\n".utf8), 400, "badRequest",
            noHTTP + "invalid URL"),
        Attack(
            "a NUL in a field", Array("GET /healthz HTTP/1.1\r\nX: a".utf8) + [0] + Array("b\r\n\r\n".utf8), 400,
            "badRequest", noHTTP + "invalid character in header"),
        Attack(
            "a space before the colon", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX : localhost\r\n\r\n", 400,
            "badRequest",
            noHTTP + "invalid character in header"),
        Attack(
            "a header field of 20 kB", get("/healthz", "X: \(String(repeating: "a", count: 20_000))\r\n"), 431,
            "tooLarge", tooMuch),
        Attack(
            "200 header fields", get("/healthz", (0..<200).map { "X\($0): a\r\n" }.joined()), 431, "tooLarge", tooMuch),
        Attack("a URL of 40 kB", get("/healthz?\(String(repeating: "a", count: 40_000))"), 431, "tooLarge", tooMuch),
        Attack(
            "a URL of 9 kB", get("/healthz?\(String(repeating: "a", count: 9_000))"), 414, "tooLarge",
            "the URL is longer than 8192 bytes"),
        Attack(
            "Content-Length beside Transfer-Encoding",
            "POST \(claims) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n", 400, "badRequest", noHTTP + "unknown (http_parser error)"),
        Attack(
            "two Content-Lengths",
            "POST \(claims) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400,
            "badRequest", noHTTP + "unexpected content-length header"),
        Attack(
            "a Content-Length beyond all numbers",
            "POST \(claims) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400,
            "badRequest", noHTTP + "invalid character in content-length header"),
        Attack(
            "a negative Content-Length",
            "POST \(claims) HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400, "badRequest",
            noHTTP + "invalid character in content-length header"),
        Attack(
            "a huge Content-Length",
            "POST \(claims) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000000000000\r\n\r\n{", 413,
            "tooLarge",
            "the body is larger than 4194304 bytes"),
        Attack(
            "chunks of garbage",
            "POST \(claims) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400, "badRequest",
            noHTTP + "invalid character in chunk size header"),
        Attack(
            "a chunk longer than all numbers",
            "POST \(claims) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            400,
            "badRequest", noHTTP + "invalid character in chunk size header"),
        Attack(
            "a line break in a field",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b: c\r\n\r\n", 400, "badRequest",
            noHTTP + "invalid character in header"),
    ]

    static let paths: [Attack] = [
        ("/", "noSuchPath", nothing), ("//healthz", "noSuchPath", nothing), ("/healthz/", "noSuchPath", nothing),
        ("/api/v1/experiments/", "noSuchPath", nothing), ("/api/v1//experiments", "noSuchPath", nothing),
        ("/api/v1/experiments/toy//members", "noSuchPath", nothing), ("/api/v2/experiments", "noSuchPath", nothing),
        ("/../../etc/passwd", "noSuchPath", nothing), ("/API/V1/experiments", "noSuchPath", nothing),
        ("/api/v1/experiments/../toy", "noSuchPath", nothing),
        (
            "/api/v1/experiments/%2e%2e", "noSuchExperiment",
            "there is no experiment \"..\"; there are \"toy\""
        ),
        (
            "/api/v1/experiments/..%2f..%2fetc%2fpasswd", "noSuchExperiment",
            "there is no experiment \"../../etc/passwd\"; there are \"toy\""
        ),
        (
            "/api/v1/experiments/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "noSuchExperiment",
            "there is no experiment \"<script>alert(1)</script>\"; there are \"toy\""
        ),
        (
            "/api/v1/experiments/%E2%80%AEyot", "noSuchExperiment",
            "there is no experiment \"\u{202e}yot\"; there are \"toy\""
        ),
        (
            "/api/v1/experiments/'%20OR%201=1--", "noSuchExperiment",
            "there is no experiment \"' OR 1=1--\"; there are \"toy\""
        ),
        (
            "/api/v1/experiments/toy/intervals/0/9223372036854775807", "noSuchInterval",
            "experiment \"toy\" has no interval 0@9223372036854775807: members are 0 to 1, and an interval exists once "
                + "its member got there"
        ),
    ].map { Attack($0.0, get($0.0), 404, $0.1, $0.2) }

    static let requests: [Attack] =
        [
            ("/api/v1/experiments/%00", "the path is not percent-encoded UTF-8"),
            ("/api/v1/experiments/a%00b", "the path is not percent-encoded UTF-8"),
            ("/api/v1/experiments/%zz", "the path is not percent-encoded UTF-8"),
            ("/api/v1/experiments/%f", "the path is not percent-encoded UTF-8"),
            ("/api/v1/experiments/%ff%fe", "the path is not percent-encoded UTF-8"),
            ("/api/v1/experiments/%c0%ae", "the path is not percent-encoded UTF-8"),
            ("/api/v1/experiments/%ed%a0%80", "the path is not percent-encoded UTF-8"),
            ("/api/v1/experiments?limit=%zz", "the query is not percent-encoded UTF-8"),
            ("/api/v1/experiments?limit=-1", "?limit= must be an integer between 1 and 1000, not \"-1\""),
            ("/api/v1/experiments?limit=1001", "?limit= must be an integer between 1 and 1000, not \"1001\""),
            ("/api/v1/experiments?limit=1e2", "?limit= must be an integer between 1 and 1000, not \"1e2\""),
            ("/api/v1/experiments?limit", "?limit= must be an integer between 1 and 1000, not \"\""),
            (
                "/api/v1/experiments?after=99999999999999999999",
                "?after=: \"99999999999999999999\" is not a cursor; give the \"next\" of the page before"
            ),
            (
                "/api/v1/experiments/toy/intervals/0/9223372036854775808",
                "intervals/0/9223372036854775808: give two non-negative integers: member and interval"
            ),
            (
                "/api/v1/experiments/toy/intervals/-1/0",
                "intervals/-1/0: give two non-negative integers: member and interval"
            ),
        ].map { Attack($0.0, get($0.0), 400, "badRequest", $0.1) } + [
            Attack(
                "a Last-Event-ID that is none",
                get("/api/v1/events", "Accept: text/event-stream\r\nLast-Event-ID: one\r\n"), 400, "badRequest",
                "Last-Event-ID: must be the number of an event, not \"one\"")
        ]

    static let bodies: [Attack] =
        [
            ("an empty body", "", "worker: is missing; give a string"),
            ("an array", "[]", "the body must be an object, not a list"),
            ("a number", "1", "the body must be an object, not a number"),
            ("null", "null", "the body must be an object, not null"),
            (
                "half a text", #"{"worker": "w"#,
                "the body is not JSON: line 1, column 14: unterminated string"
            ),
            ("two values", "{} {}", "the body is not JSON: line 1, column 4: there is more after the value"),
            ("a byte order mark", "\u{feff}{}", "the body is not JSON: line 1, column 1: expected a value"),
            (
                "a name twice", #"{"worker": "a", "worker": "b"}"#,
                "the body is not JSON: line 1, column 17: the name \"worker\" is duplicated"
            ),
            (
                "deep nesting", String(repeating: "[", count: 100_000),
                "the body is not JSON: line 1, column 129: nested deeper than 128"
            ),
            (
                "half a surrogate pair", #"{"worker": "\ud800"}"#,
                "the body is not JSON: line 1, column 19: half of a surrogate pair"
            ),
            (
                "a control character", "{\"worker\": \"a\u{1}\"}",
                "the body is not JSON: line 1, column 14: a control character must be written with a backslash"
            ),
            (
                "a number beyond all numbers", #"{"worker": "w", "term": 1e400}"#,
                "term: must be between 1 and 86400 seconds, not Infinity"
            ),
            ("not a number", #"{"worker": "w", "term": NaN}"#, "term: must be between 1 and 86400 seconds, not NaN"),
            (
                "an overlong count", #"{"worker": "w", "count": 99999999999999999999}"#,
                "the body is not JSON: line 1, column 25: the integer 99999999999999999999 does not fit into 64 bits and "
                    + "would be rounded; write it as a string, or as 1e20"
            ),
            ("a worker that is an object", #"{"worker": {}}"#, "worker: must be a string, not an object"),
            (
                "a key that is too short", #"{"worker": "w", "key": "aaaaaaaaaaaaaaaaaaaaa"}"#,
                "key: must be 22 to 128 letters, digits, '-' and '_', chosen at random for each claim"
            ),
            (
                "a key of other letters", #"{"worker": "w", "key": "ааааааааааааааааааааааа"}"#,
                "key: must be 22 to 128 letters, digits, '-' and '_', chosen at random for each claim"
            ),
        ].map { Attack($0.0, post(claims, $0.1), 400, "badRequest", $0.2) } + [
            Attack(
                "invalid UTF-8", post(claims, Array(#"{"worker": ""#.utf8) + [0xff] + Array("\"}".utf8)), 400,
                "badRequest", "the body is not JSON: line 1, column 15: the input is not UTF-8"),
            Attack(
                "no Content-Type", post(claims, "{}", type: nil), 415, "unsupportedMediaType",
                "Content-Type must be application/json, not missing"),
            Attack(
                "a form", post(claims, "worker=w", type: "application/x-www-form-urlencoded"), 415,
                "unsupportedMediaType",
                "Content-Type must be application/json, not \"application/x-www-form-urlencoded\""),
            Attack(
                "plain text, which a page of another site can send", post(claims, "{}", type: "text/plain"), 415,
                "unsupportedMediaType", "Content-Type must be application/json, not \"text/plain\""),
            Attack(
                "a definition of the wrong kind", post("/api/v1/experiments", #"{"definition": []}"#), 400,
                "badRequest", "definition: must be an object, not a list"),
            Attack(
                "a name of 129 bytes",
                post("/api/v1/experiments", Value.definition(String(repeating: "n", count: 129)).jsonBytes), 422,
                "badExperiment", "definition: name: must be at most 128 bytes long, not 129"),
            Attack(
                "a name with a line break", post("/api/v1/experiments", Value.definition("a\nb").jsonBytes), 422,
                "badExperiment", "definition: name: must not contain control characters"),
            Attack(
                "a name with a NUL", post("/api/v1/experiments", Value.definition("a\u{0}b").jsonBytes), 422,
                "badExperiment", "definition: name: must not contain control characters"),
            Attack(
                "a name that reads as an option", post("/api/v1/experiments", Value.definition("-rf").jsonBytes), 422,
                "badExperiment", "definition: name: must not start with '-', which would be read as an option"),
            Attack(
                "a pause from a page of another site",
                "POST /api/v1/experiments/toy/pause HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
                    + "Content-Length: 0\r\n\r\n", 403, "forbidden",
                "a web page of another site asked for this; only pages of this server may"),
            Attack(
                "a stop from a sandboxed page",
                "POST /api/v1/experiments/toy/stop HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n"
                    + "Content-Length: 0\r\n\r\n", 403, "forbidden",
                "a web page of another site asked for this; only pages of this server may"),
            Attack(
                "a pause that the browser says is another site's",
                "POST /api/v1/experiments/toy/pause HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
                    + "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n", 403, "forbidden",
                "a web page of another site asked for this; only pages of this server may"),
            Attack(
                "a name that was made to lead here (DNS rebinding)",
                "GET /api/v1/experiments HTTP/1.1\r\nHost: evil.example:7070\r\n\r\n", 403, "forbidden",
                "this server answers on this machine only, and not as \"evil.example\"; serve with a token to be reached "
                    + "by that name"),
            Attack(
                "a name that begins like loopback",
                "GET /api/v1 HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 403, "forbidden",
                "this server answers on this machine only, and not as \"127.0.0.1.evil.example\"; serve with a token to be "
                    + "reached by that name"),
        ]

    @Test(arguments: framing + paths + requests + bodies)
    func `is answered with its status, and changes nothing`(_ attack: Attack) async throws {
        try await withServer { server in
            try await server.create()
            try await check(attack, server)
        }
    }

    @Test func `a body in chunks that grows beyond the limit is refused`() async throws {
        try await withServer(configuration: .init(maximumBody: 1000)) { server in
            try await server.create()
            try await RawConnection.open(to: server.port) { reader, connection in
                try await connection.send(
                    "POST /api/v1/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n")
                let chunk = "1f4\r\n\(String(repeating: " ", count: 500))\r\n"
                for _ in 1...4 { try await connection.send(chunk) }
                let answer = try await reader.answer()
                #expect(answer.hasPrefix("HTTP/1.1 413 "))
                #expect(answer.contains(#""detail":"the body is larger than 1000 bytes""#))
                // Nobody knows how long the body is: what is left of it is read, and then the connection is closed.
                #expect(answer.lowercased().contains("connection: close"))
                try await connection.send("\(chunk)0\r\n\r\n")
                #expect(try await reader.all().isEmpty)
            }
        }
    }

    @Test func `what came of a body that broke off is not taken for the whole`() async throws {
        let log = LogCapture()
        try await withServer(logger: log.logger) { server in
            try await server.create()
            try await RawConnection.open(to: server.port) { _, connection in
                // Whole JSON, but ten bytes of the body are missing.
                try await connection.send(
                    "POST /api/v1/experiments/toy/claims HTTP/1.1\r\nHost: localhost\r\n"
                        + "Content-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"worker\":\"w\"}")
                try await connection.hangUp()
            }
            while try await !server.ask(.GET, "/metrics").text.contains("/claims\",status=\"503\"} 1\n") {
                await Task.yield()
            }
            #expect(try await server.store.record(of: "toy").counts[.running] ?? 0 == 0)
        }
        #expect(!log.lines.contains { $0.hasPrefix("error") }, "\(log.lines)")
    }

    @Test func `a text that is said back is cut short`() async throws {
        try await withServer { server in
            try await server.create()
            let name = String(repeating: "x", count: 3_000_000)
            let answer = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "w", name: 1])
            #expect(answer.status == 400)
            #expect(answer.bytes.count < 2000)
        }
    }

    @Test(arguments: ["<script>alert(1)</script>", "مرحبا", "\u{202e}yot", "a/b", "..", "e%2fé", "x;y&z=1?#"])
    func `a name that looks dangerous is a name like any other`(name: String) async throws {
        try await withServer { server in
            let made = try await server.ask(.POST, "/experiments", .definition(name))
            #expect(made.status == 201)
            let place = try #require(made[header: "Location"])
            let found = try await server.ask(.GET, place)
            #expect(try found.json["name"]?.string == name)
            #expect(found[header: "Content-Type"] == "application/json")
            let claimed = try await server.ask(.POST, "\(place)/claims", ["worker": "w"]).json
            #expect(claimed["assignments"]?.array?.count == 1)
        }
    }
}
