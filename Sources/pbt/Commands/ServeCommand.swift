// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PBT
import PBTCheckpoints
import PBTDashboard
import PBTHTTP
import PBTSchedy
import PBTServer
import ServiceLifecycle
import SystemPackage
import UnixSignals

/// `pbt serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract:
            "Serve a store over HTTP: a dashboard, and an API for programs and for workers on other machines.",
        discussion: """
            On this machine alone it needs no options. For access from other machines, create tokens first (pbt token \
            create NAME --scope work) and pass --host 0.0.0.0; add --tls-certificate and --tls-key, or put a TLS proxy in \
            front. SIGTERM and Ctrl-C shut it down: leases are kept, and workers continue when it is back.
            """)

    @OptionGroup var storeOptions: StoreOptions

    @Option(name: .long, help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(name: .long, help: "The port to listen on; 0 picks a free one.")
    var port = 7070

    @Flag(name: .long, help: "Also serve the Schedy protocol, under /schedy/.")
    var schedy = false

    @Option(
        name: .customLong("schedy-timeout"),
        help: ArgumentHelp(
            "The time after which a Schedy job is requeued; default: no limit, since its clients send no heartbeat.",
            valueName: "time"))
    var schedyTimeout: String?

    @Flag(name: .long, help: "Require a token on loopback too.")
    var tokens = false

    @Flag(name: .long, help: "Require no token, whatever the address: everyone who can reach it may do everything.")
    var insecure = false

    @Option(
        name: .customLong("tls-certificate"), help: ArgumentHelp("The certificate chain, in PEM.", valueName: "file"))
    var certificate: String?

    @Option(
        name: .customLong("tls-key"), help: ArgumentHelp("The certificate's private key, in PEM.", valueName: "file"))
    var key: String?

    @Option(
        name: .customLong("rate-limit"),
        help: ArgumentHelp(
            "Requests per second for each token or address; default: 1000 where tokens are required, else no limit.",
            valueName: "number"))
    var rateLimit: Double?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The most concurrent connections; default: as many as the limit on open files allows, at most 10000.",
            valueName: "number"))
    var connections: Int?

    @Flag(name: .customLong("no-dashboard"), help: "Serve the API only, without the dashboard.")
    var hidesDashboard = false

    @Flag(
        name: .customLong("allow-control"),
        help:
            "Let users who may manage experiments pause, resume, stop, push and delete from the dashboard; default: read-only."
    )
    var allowsControl = false

    @Option(name: .customLong("log-format"), help: "The log format: text or json.")
    var logFormat: LogFormat = .text

    @Flag(name: [.short, .long], help: "Log every request.")
    var verbose = false

    func validate() throws {
        if !(0...65535).contains(port) { throw ValidationError("--port must be between 0 and 65535, not \(port)") }
        if host.isEmpty { throw ValidationError("--host is empty; give an address, for example 127.0.0.1") }
        if (certificate == nil) != (key == nil) {
            throw ValidationError("--tls-certificate and --tls-key belong together; give both")
        }
        if hidesDashboard, allowsControl {
            throw ValidationError("--allow-control requires the dashboard; leave out --no-dashboard")
        }
        if insecure, tokens { throw ValidationError("--insecure and --tokens contradict each other") }
        if let schedyTimeout,
            Duration(value: .string(schedyTimeout)).map({ $0 > .zero && $0 <= Limits.duration }) != true
        {
            throw ValidationError(
                "--schedy-timeout must be a time such as 90m or 12h, at most 36500d, not \"\(schedyTimeout)\"")
        }
        if let rateLimit, !(1...1_000_000).contains(rateLimit) {
            throw ValidationError("--rate-limit must be between 1 and 1000000, not \(rateLimit)")
        }
        if let connections, connections < 1 { throw ValidationError("--connections must be at least 1") }
    }

    func run() async throws {
        OpenFiles.raiseLimit()
        let opened = try await storeOptions.open(creating: true)
        guard let kept = opened.store as? any TokenStore else {
            throw Failure(.usage, "a server serves a file, not another server; give --store FILE")
        }
        try await opened.warnOfUnknownFiles()
        let logFormat = logFormat
        let level: Logger.Level = verbose ? .debug : .notice
        let logger = Logger(label: "pbt.server") { _ in ServerLogHandler(format: logFormat, level: level) }
        let isOpen = try await isOpen(kept, in: opened)
        let configuration = ServerConfiguration(
            host: host, port: port, admission: isOpen ? .open : .tokens(kept),
            tls: certificate.flatMap { certificate in key.map { .init(certificate: certificate, key: $0) } },
            rateLimit: rateLimit ?? (isOpen ? nil : 1000), connections: connections, version: Version.current)
        var extensions: [ServerExtension] = []
        if schedy, !isOpen { warnOfReaders(of: opened) }
        if schedy { extensions.append(try self.schedy(over: opened.store, isOpen ? nil : kept)) }
        if !hidesDashboard {
            extensions.append(
                .dashboard(
                    DashboardConfiguration(allowsControl: allowsControl), deletingJobs: deletion(in: opened.store)))
        }
        let scheme = certificate == nil ? "http" : "https"
        let shown = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        let server = Server(
            store: opened.store, data: opened.data, configuration: configuration, logger: logger,
            extensions: extensions,
            onReady: { port in Output.note("listening on \(scheme)://\(shown):\(port)") })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: server),
                    .init(service: StoreWatch(opened: opened), successTerminationBehavior: .ignore),
                ],
                gracefulShutdownSignals: Signals.trapped.filter { $0 != .sighup }, logger: logger))
        try await group.run()
    }

    /// Warns if users other than its owner can read the store, which holds the keys of exchanged tokens.
    private func warnOfReaders(of opened: OpenStore) {
        guard case .file(let path) = opened.location, FileIdentity.isReadableByOthers(path.string) else { return }
        Output.warn(
            "other users of this machine can read the store, and could sign in with the keys in it: "
                + Shell.command(["chmod", "600", path.string]))
    }

    /// Returns the deletion of jobs of Schedy's clients; nil for a store that is not here.
    private func deletion(in store: any Store) -> JobDeletion? {
        (store as? any TransactionalStore).map { Self.deletion(in: $0) }
    }

    private static func deletion(in store: some TransactionalStore) -> JobDeletion {
        let schedy = Schedy(store)
        return { job, experiment in
            do {
                try await schedy.delete(job, of: experiment, if: .none)
            } catch let failure as SchedyFailure {
                throw PBTError(failure.status == 404 ? .noSuchInterval : .wrongState, failure.text)
            }
        }
    }

    /// Returns the extension that serves Schedy's protocol over a store.
    private func schedy(over store: any Store, _ tokens: (any TokenStore)?) throws -> ServerExtension {
        guard let store = store as? any TransactionalStore else {
            throw Failure(.usage, "Schedy's protocol needs the store itself; give --store FILE")
        }
        let settings = SchedySettings(timeout: schedyTimeout.flatMap { Duration(value: .string($0)) })
        return ServerExtension { SchedyMount(store, tokens: tokens, settings: settings, in: $0.http) }
    }

    /// Returns true if no token is required.
    ///
    /// - Throws: A ``Failure`` when other machines could reach the server without a token.
    private func isOpen(_ kept: any TokenStore, in opened: OpenStore) async throws -> Bool {
        if insecure {
            if !ServerConfiguration(host: host).isLoopback {
                Output.warn(
                    "everyone who can reach \(host) may do everything, including running programs on its workers")
            }
            return true
        }
        let isLoopback = ServerConfiguration(host: host).isLoopback
        if isLoopback, !tokens { return true }
        guard try await !kept.tokens().isEmpty else {
            let create = Hint.command("token", "create", "laptop", "--scope", "admin", in: opened)
            let advice = "there is no token yet; create one with: \(create)"
            throw Failure(
                .usage,
                isLoopback
                    ? "--tokens: \(advice)"
                    : "others can reach \(host) (--insecure would let everyone in), and \(advice)")
        }
        if !isLoopback, certificate == nil {
            Output.warn(
                "without TLS, tokens can be read on the network; pass --tls-certificate and --tls-key, or use a proxy")
        }
        return false
    }
}
