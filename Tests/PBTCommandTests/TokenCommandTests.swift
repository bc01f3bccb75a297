// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(10)))
struct TokenCommandTests {
    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test func `a token is shown once, on standard output, and listed without its secret`() async throws {
        let workplace = try Workplace()
        let empty = try await workplace.pbt("token", "create", "first", "--scope", "admin", "--expires", "12h")
        #expect(empty.code == 0)
        #expect(empty.error == "token first for admin; this is shown once:\n")
        let token = empty.output.trimmingCharacters(in: .newlines)
        #expect(token.wholeMatch(of: /pbt_[A-Za-z0-9-]{12}_[A-Za-z0-9_-]{43}/) != nil)
        _ = try await workplace.pbt("token", "create", "second")
        let secret = String(token.dropFirst("pbt_".count + 13))
        let plain = try await workplace.pbt("token", "list")
        #expect(plain.output.contains("first  admin  created "))
        #expect(plain.output.contains("second  work  created "))
        #expect(plain.output.contains("until revoked"))
        let json = try await workplace.pbt("token", "list", "--json")
        let list = try Value(json: json.output).array ?? []
        #expect(list.map { $0["name"]?.string } == ["first", "second"])
        #expect(list.map { $0["scope"]?.string } == ["admin", "work"])
        #expect(list.map { $0["expired"] } == [false, false])
        #expect(list[1]["expires"] == .null)
        for answer in [plain, json] { #expect(!(answer.output + answer.error).contains(secret)) }
        let again = try await workplace.pbt("token", "create", "first")
        #expect(again.code != 0)
        #expect(
            again.error
                == "error: there is a token \"first\" already; give the new one another name, or revoke the old one with: "
                + "pbt token revoke first\n")
        #expect(again.output.isEmpty)
    }

    @Test func `revoke ends one, and an unknown name is told what there is`() async throws {
        let workplace = try Workplace()
        _ = try await workplace.pbt("token", "create", "laptop")
        let wrong = try await workplace.pbt("token", "revoke", "labtop")
        #expect(wrong.code == 66)
        #expect(wrong.error == "error: there is no token \"labtop\"; did you mean \"laptop\"?\n")
        let right = try await workplace.pbt("token", "revoke", "laptop")
        #expect(right.code == 0)
        #expect(right.error == "revoked laptop\n")
        let list = try await workplace.pbt("token", "list")
        #expect(list.output.isEmpty)
        #expect(list.error == "there are no tokens; create one with: pbt token create NAME --scope work\n")
    }

    @Test func `client files hold the token, and only their owner reads them`() async throws {
        let workplace = try Workplace()
        let answer = try await workplace.pbt(
            "token", "create", "gpu", "--config", "pbt.json", "--schedy-config", "client.json", "--url",
            "https://host:7070")
        #expect(answer.code == 0)
        #expect(answer.output.isEmpty)
        #expect(answer.error == "token gpu for work is in client.json and pbt.json\n")
        let ours = try Value(json: try workplace.read("pbt.json"))
        let schedy = try Value(json: try workplace.read("client.json"))
        #expect(ours["server"] == "https://host:7070")
        #expect(ours["token"]?.string?.hasPrefix("pbt_") == true)
        #expect(
            schedy == [
                "root": "https://host:7070/schedy/", "email": "gpu", "token_type": "api_token",
                "token": ours["token"] ?? .null,
            ])
        for name in ["pbt.json", "client.json"] { #expect(try mode(workplace.path(name)) == 0o600) }
        #expect(!answer.error.contains(ours["token"]?.string ?? "pbt_"))
    }

    @Test func `a name that is taken leaves the client file as it is`() async throws {
        let workplace = try Workplace()
        let arguments = ["token", "create", "gpu", "--config", "pbt.json", "--url", "https://host:7070"]
        _ = try await Command.run(arguments, in: workplace.directory)
        let before = try workplace.read("pbt.json")
        let again = try await Command.run(arguments, in: workplace.directory)
        #expect(again.code != 0)
        #expect(try workplace.read("pbt.json") == before)
    }

    @Test func `a file that was readable for all is replaced by one that is not`() async throws {
        let workplace = try Workplace()
        try workplace.write("{}", to: "pbt.json")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: workplace.path("pbt.json"))
        _ = try await workplace.pbt("token", "create", "gpu", "--config", "pbt.json", "--url", "http://h:1")
        #expect(try mode(workplace.path("pbt.json")) == 0o600)
    }

    @Test(arguments: [
        (["create"], "Missing expected argument '<name>'"),
        (["create", "a b"], "a token's name has 1 to 64 characters, no spaces, and does not begin with '-'"),
        (["create", "x", "--scope", "root"], "--scope must be read, work or admin, not \"root\""),
        (["create", "x", "--expires", "soon"], "--expires must be a time such as 90m, 12h or 30d, not \"soon\""),
        (["create", "x", "--expires=-1h"], "--expires must be a time such as 90m, 12h or 30d, not \"-1h\""),
        (["create", "x", "--config", "f"], "a client file needs the server's address: --url https://host:7070"),
        (
            ["create", "x", "--config", "f", "--url", "host:7070"],
            "--url must begin with http:// or https://, not \"host:7070\""
        ),
        (
            ["create", "x", "--config", "none/f", "--url", "http://h"],
            "cannot write none/f: there is no directory"
        ),
        (["revoke"], "Missing expected argument '<name>'"),
    ])
    func `bad arguments are refused, and nothing is made`(arguments: [String], text: String) async throws {
        let workplace = try Workplace()
        _ = try await workplace.pbt("token", "create", "known")
        let answer = try await Command.run(["token"] + arguments, in: workplace.directory)
        #expect(answer.code != 0)
        #expect(answer.error.contains(text), "\(answer.error)")
        let list = try Value(json: try await workplace.pbt("token", "list", "--json").output)
        #expect(list.array?.map { $0["name"]?.string } == ["known"])
    }
}
