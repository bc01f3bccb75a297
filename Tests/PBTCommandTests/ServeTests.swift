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

@Suite(.timeLimit(.minutes(10)))
struct ServeTests {
    /// The address in the line that says where the server listens.
    private static func address(_ line: String) throws -> String {
        try #require(line.hasPrefix("listening on http"), "\(line)")
        return String(line.dropFirst("listening on ".count))
    }

    /// What `curl` says: the body, and the status in a line of its own.
    private static func curl(_ workplace: Workplace, _ arguments: String...) async throws -> String {
        let answer = try await Command.shell(
            ["-c", "curl -s -w '\\n%{http_code}' \"$@\"", "curl"] + arguments, in: workplace.directory)
        try #require(answer.code == 0, "\(answer)")
        return answer.output
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `it says where it listens, answers, and a signal ends it well`(signal: Int32) async throws {
        let workplace = try Workplace()
        try workplace.experiment()
        _ = try await workplace.pbt("create", "toy.yaml")
        let (code, lines, names) = try await Command.live(["serve", "--port", "0"], in: workplace.directory) {
            lines, process in
            let address = try Self.address(try await lines.wait(for: "listening on http"))
            let text = try await Self.curl(workplace, "\(address)/api/v1/experiments")
            kill(process, signal)
            let json = try Value(json: String(text.split(separator: "\n")[0]))
            return json["items"]?.array?.map { $0["name"]?.string }
        }
        #expect(names == ["toy"])
        #expect(code == 0)
        #expect(lines.count == 1)
        #expect(lines[0].hasPrefix("listening on http://127.0.0.1:"))
    }

    @Test func `a server that may open few files answers, whatever connects, and ends well`() async throws {
        let workplace = try Workplace()
        try workplace.experiment()
        _ = try await workplace.pbt("create", "toy.yaml")
        let (code, _, _) = try await Command.live(
            ["serve", "--port", "0"], in: workplace.directory, limit: "-n 128"
        ) { lines, process in
            let address = try Self.address(try await lines.wait(for: "listening on http"))
            let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
            var sockets: [Int32] = []
            defer { for socket in sockets { close(socket) } }
            for _ in 1...200 {
                sockets.append(try Self.connected(to: port))
                guard sockets.count.isMultiple(of: 50) else { continue }
                let text = try await Self.curl(workplace, "\(address)/api/v1/experiments")
                #expect(text.contains("\"toy\""))
                #expect(text.hasSuffix("200"))
            }
            kill(process, SIGTERM)
        }
        #expect(code == 0)
        let none = try await Command.live(["serve", "--port", "0"], in: workplace.directory, limit: "-n 40") { _, _ in }
        #expect(none.code == 64, "\(none.lines)")
        #expect(none.lines.contains { $0.contains("only 40 files may be open, and a server needs ") }, "\(none.lines)")
    }

    private static func connected(to port: UInt16) throws -> Int32 {
        #if canImport(Glibc)
            let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let connection = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        try #require(connection >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0, "errno \(errno)")
        return connection
    }

    @Test func `a port that is taken is a clear error`() async throws {
        let workplace = try Workplace()
        let (code, _, second) = try await Command.live(["serve", "--port", "0"], in: workplace.directory) {
            lines, process in
            let port = try #require(
                try Self.address(try await lines.wait(for: "listening on http")).split(separator: ":").last)
            let second = try await workplace.pbt("serve", "--port", String(port))
            kill(process, SIGTERM)
            return (port: port, answer: second)
        }
        #expect(code == 0)
        #expect(second.answer.code == 69 || second.answer.code == 73)
        #expect(second.answer.error.hasPrefix("error: cannot listen on 127.0.0.1:\(second.port): "))
        #expect(second.answer.error.contains("is another server running there? Choose another port with --port"))
    }

    @Test func `a token is asked for when it should be, and the work of one that was revoked ends`() async throws {
        let workplace = try Workplace()
        let none = try await workplace.pbt("serve", "--port", "0", "--tokens")
        #expect(none.code == 64)
        #expect(
            none.error
                == "error: --tokens: there is no token yet; create one with: pbt token create laptop --scope admin\n")
        let made = try await workplace.pbt("token", "create", "laptop", "--scope", "read")
        let token = made.output.trimmingCharacters(in: .newlines)
        let (code, lines, statuses) = try await Command.live(
            ["serve", "--port", "0", "--tokens", "--verbose"], in: workplace.directory
        ) { lines, process in
            let address = try Self.address(try await lines.wait(for: "listening on http"))
            let path = "\(address)/api/v1"
            var statuses: [Substring?] = []
            for field in ["X: y", "Authorization: Bearer \(token)"] {
                statuses.append(try await Self.curl(workplace, "-H", field, path).split(separator: "\n").last)
            }
            _ = try await workplace.pbt("token", "revoke", "laptop")
            statuses.append(
                try await Self.curl(workplace, "-H", "Authorization: Bearer \(token)", path).split(separator: "\n").last
            )
            kill(process, SIGTERM)
            return statuses
        }
        #expect(code == 0)
        #expect(statuses == ["401", "200", "401"])
        let secret = try #require(token.split(separator: "_", maxSplits: 2).last)
        #expect(lines.contains { $0.contains("answered") && $0.contains("status=401") })
        #expect(!lines.contains { $0.contains(secret) })
    }

    @Test func `others are kept out unless there are tokens, or someone says so`() async throws {
        let workplace = try Workplace()
        let refused = try await workplace.pbt("serve", "--host", "0.0.0.0", "--port", "0")
        #expect(refused.code == 64)
        #expect(
            refused.error
                == "error: others can reach 0.0.0.0 (--insecure would let everyone in), and there is no token yet; create one "
                + "with: pbt token create laptop --scope admin\n")
        let (code, lines, _) = try await Command.live(
            ["serve", "--host", "0.0.0.0", "--port", "0", "--insecure"], in: workplace.directory
        ) { lines, process in
            try await lines.wait(for: "listening on http://0.0.0.0:")
            kill(process, SIGTERM)
        }
        #expect(code == 0)
        #expect(
            lines.first
                == "warning: everyone who can reach 0.0.0.0 may do everything, including running programs on its workers"
        )
        _ = try await workplace.pbt("token", "create", "laptop")
        let (_, warned, _) = try await Command.live(
            ["serve", "--host", "0.0.0.0", "--port", "0"], in: workplace.directory
        ) { lines, process in
            try await lines.wait(for: "listening on http://0.0.0.0:")
            kill(process, SIGTERM)
        }
        #expect(
            warned.first
                == "warning: without TLS, tokens can be read on the network; pass --tls-certificate and --tls-key, or "
                + "use a proxy")
    }

    @Test(arguments: [
        (["--port", "65536"], "--port must be between 0 and 65535, not 65536"),
        (["--port=-1"], "--port must be between 0 and 65535, not -1"),
        (["--host", ""], "--host is empty; give an address, for example 127.0.0.1"),
        (["--tls-key", "k"], "--tls-certificate and --tls-key belong together; give both"),
        (["--insecure", "--tokens"], "--insecure and --tokens contradict each other"),
        (["--rate-limit", "0"], "--rate-limit must be between 1 and 1000000"),
        (["--rate-limit", "nan"], "--rate-limit must be between 1 and 1000000"),
        (["--connections", "0"], "--connections must be at least 1"),
        (["--connections", "1000000", "--port", "0"], "1000000 connections need more open files than the limit of "),
        (
            ["--tls-certificate", "none.pem", "--tls-key", "none.pem", "--port", "0"],
            "the certificate none.pem with the key none.pem cannot be used ("
        ),
        (["--host", "no.such.host.invalid", "--insecure"], "cannot listen on no.such.host.invalid:7070: "),
    ])
    func `bad arguments are refused`(arguments: [String], text: String) async throws {
        let workplace = try Workplace()
        let answer = try await Command.run(["serve"] + arguments, in: workplace.directory)
        #expect(answer.code != 0)
        #expect(answer.error.contains(text), "\(answer.error)")
        #expect(!answer.error.contains("listening"))
    }

    @Test func `with --log-format json each line is an object`() async throws {
        let workplace = try Workplace()
        let (_, lines, _) = try await Command.live(
            ["serve", "--port", "0", "--verbose", "--log-format", "json"], in: workplace.directory
        ) { lines, process in
            let address = try Self.address(try await lines.wait(for: "listening on http"))
            _ = try await Self.curl(workplace, "\(address)/healthz")
            kill(process, SIGTERM)
        }
        let logged = try lines.filter { !$0.hasPrefix("listening on") }.map { try Value(json: $0) }
        let answered = try #require(logged.first { $0["message"] == "answered" })
        #expect(answered["level"] == "debug")
        #expect(answered["path"] == "/healthz")
        #expect(answered["status"] == "200")
        #expect(answered["time"]?.int != nil)
    }
}
