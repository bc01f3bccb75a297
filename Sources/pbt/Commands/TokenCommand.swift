// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import PBTHTTP
import PBTServer

/// `pbt token`.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Create, list and revoke the access tokens of a server.",
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

extension StoreOptions {
    /// Opens the tokens of the store.
    ///
    /// - Throws: A ``Failure`` when the store is a server, through which tokens cannot be managed.
    func openTokens(creating: Bool = false, reading: Bool = false) async throws -> any TokenStore {
        guard let tokens = try await open(creating: creating, reading: reading).store as? any TokenStore else {
            throw Failure(
                .usage, "tokens are managed where the store is, not through a server; run this there with --store FILE")
        }
        return tokens
    }
}

/// `pbt token create`.
struct TokenCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a token, and print its secret once, on standard output.",
        discussion: """
            read: read everything. work: claim and train intervals. admin: create, change and remove experiments. Each \
            scope includes those before it. The store keeps only a hash: a lost token cannot be shown again, only revoked.
            """)

    @Argument(help: "The token's name: the person or machine that will use it.")
    var name: String

    @Option(name: .long, help: "The scope: read, work or admin; default: work.", transform: Self.scope)
    var scope: Scope = .work

    @Option(
        name: .long, help: ArgumentHelp("The lifetime: 12h, 30d; default: until revoked.", valueName: "time")
    )
    var expires: String?

    @Option(
        name: .customLong("schedy-config"),
        help: ArgumentHelp(
            "Write a client.json for the Schedy client (mode 0600) instead of printing the secret.", valueName: "file"))
    var schedyConfig: String?

    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "Write a client file for pbt and the Python client (mode 0600) instead of printing the secret.",
            valueName: "file"))
    var config: String?

    @Option(
        name: .long, help: ArgumentHelp("The server's address as clients see it, for a client file.", valueName: "url"))
    var url: String?

    @OptionGroup var storeOptions: StoreOptions

    private static func scope(_ text: String) throws -> Scope {
        guard let scope = Scope(rawValue: text) else {
            throw ValidationError("--scope must be read, work or admin, not \"\(text)\"")
        }
        return scope
    }

    func validate() throws {
        if (schedyConfig ?? config) != nil, url == nil {
            throw ValidationError("a client file needs the server's address: --url https://host:7070")
        }
        if let url, !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            throw ValidationError("--url must begin with http:// or https://, not \"\(url)\"")
        }
        if let expires, Duration(value: .string(expires)).map({ $0 > .zero }) != true {
            throw ValidationError("--expires must be a time such as 90m, 12h or 30d, not \"\(expires)\"")
        }
    }

    func run() async throws {
        let tokens = try await storeOptions.openTokens(creating: true)
        // Before a client file is overwritten, which may hold the token of this name.
        guard try await !tokens.tokens().contains(where: { $0.name == name }) else { throw PBTError.tokenExists(name) }
        let (token, record) = try Token.make(
            named: name, scope: scope, now: StoreClock.system.now(),
            life: expires.flatMap { Duration(value: .string($0)) })
        // The files first: a token whose secret is lost is useless.
        if let schedyConfig, let url {
            // The path of pbt serve --schedy, unless one was given: a proxy may have it elsewhere.
            let hasPath = url.split(separator: "/", omittingEmptySubsequences: true).count > 2
            let root = (url.hasSuffix("/") ? url : url + "/") + (hasPath ? "" : "schedy/")
            try write(
                [
                    "root": .string(root), "email": .string(name), "token_type": "api_token",
                    "token": .string(token.text),
                ],
                to: schedyConfig)
        }
        if let config, let url { try write(["server": .string(url), "token": .string(token.text)], to: config) }
        try await tokens.add(record)
        let files = [schedyConfig, config].compactMap(\.self)
        if !files.isEmpty {
            Output.note("token \(PlainText.line(name)) for \(scope.rawValue) is in \(files.joined(separator: " and "))")
        } else {
            Output.note("token \(PlainText.line(name)) for \(scope.rawValue); this is shown once:")
            try Output.line(token.text)
        }
    }

    private func write(_ value: Value, to path: String) throws {
        var file = try OutputFile(path, isSecret: true)
        try file.append(Array((value.prettyJSON + "\n").utf8))
        try file.finish()
    }
}

/// `pbt token list`.
struct TokenListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tokens, without their secrets.")

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let now = StoreClock.system.now()
        let tokens = try await storeOptions.openTokens(reading: true).tokens()
        if format.json {
            return try Output.json(
                .array(
                    tokens.map { token in
                        var object: [String: Value] = [
                            "name": .string(token.name), "scope": .string(token.scope.rawValue),
                            "created": .string("\(token.created)"), "expired": .bool(isExpired(token, now)),
                        ]
                        object["expires"] = token.expires.map { .string("\($0)") } ?? .null
                        return .object(object)
                    }))
        }
        guard !tokens.isEmpty else {
            let create = Hint.command("token", "create", "NAME", "--scope", "work", in: try storeOptions.location())
            Output.note("there are no tokens; create one with: \(create)")
            return
        }
        for token in tokens {
            let end = token.expires.map { isExpired(token, now) ? "expired \($0)" : "until \($0)" } ?? "until revoked"
            try Output.line("\(PlainText.line(token.name))  \(token.scope.rawValue)  created \(token.created)  \(end)")
        }
    }

    private func isExpired(_ token: TokenRecord, _ now: Timestamp) -> Bool {
        token.expires.map { $0 <= now } ?? false
    }
}

/// `pbt token revoke`.
struct TokenRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke a token: a running server rejects it from now on.")

    @Argument(help: "The token's name.")
    var name: String

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let tokens = try await storeOptions.openTokens()
        do {
            try await tokens.removeToken(named: name)
        } catch let error as PBTError where error.code == .badValue {
            throw Failure(.noSuch, Hint.completed(error.message))
        }
        Output.note("revoked \(PlainText.line(name))")
    }
}
