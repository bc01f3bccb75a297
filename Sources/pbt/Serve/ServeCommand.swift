// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PBT
import PBTCheckpoints
import PBTServer
import ServiceLifecycle
import UnixSignals

/// `pbt serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract:
            "Serve a store over HTTP: a dashboard for people, an API for workers on other machines and for programs.",
        discussion: """
            On this machine alone nothing more is needed. To be reached from others, make tokens first (pbt token create \
            NAME --scope work) and give --host 0.0.0.0; add --tls-certificate and --tls-key, or put a proxy with TLS in \
            front. SIGTERM and Ctrl-C end it: every lease is kept, and workers go on when it is back.
            """)

    @OptionGroup var storeOptions: StoreOptions

    @Option(name: .long, help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(name: .long, help: "The port to listen on; 0 takes any that is free.")
    var port = 7070

    @Flag(name: .long, help: "Offer the protocol of Schedy's client too, under /schedy/.")
    var schedy = false

    @Option(
        name: .customLong("schedy-timeout"),
        help: ArgumentHelp(
            "How long a job of Schedy's may run before others get it; default: for ever, as its clients send no sign of life.",
            valueName: "time"))
    var schedyTimeout: String?

    @Flag(name: .long, help: "Ask for a token on loopback too.")
    var tokens = false

    @Flag(name: .long, help: "Let everyone who reaches the address do everything, whatever the address.")
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
            "Requests a second for each token or address; default: 1000 where tokens are asked for, else no limit.",
            valueName: "number"))
    var rateLimit: Double?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many connections there may be at once; default: as many as the limit on open files allows, at most 10000.",
            valueName: "number"))
    var connections: Int?

    @Flag(name: .customLong("no-dashboard"), help: "Serve no pages, only the API.")
    var hidesDashboard = false

    @Flag(
        name: .customLong("allow-control"),
        help:
            "Let those who may manage experiments pause, resume, stop and push from the dashboard; without it, it only shows."
    )
    var allowsControl = false

    @Option(name: .customLong("log-format"), help: "text or json.")
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
            throw ValidationError("--allow-control has a meaning with the dashboard only; leave out --no-dashboard")
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
            rateLimit: rateLimit ?? (isOpen ? nil : 1000), connections: connections, version: Pbt.version,
            dashboard: hidesDashboard ? nil : DashboardConfiguration(allowsControl: allowsControl))
        let scheme = certificate == nil ? "http" : "https"
        let shown = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        let server = Server(
            store: opened.store, data: opened.data, configuration: configuration, logger: logger,
            schedy: schedy ? try mount(opened.store, isOpen ? nil : kept) : nil,
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

    /// Schedy's protocol over the store.
    private func mount(_ store: any Store, _ tokens: (any TokenStore)?) throws -> SchedyMount {
        guard let store = store as? any TransactionalStore else {
            throw Failure(.usage, "Schedy's protocol needs the store itself; give --store FILE")
        }
        return SchedyMount(
            store, tokens: tokens,
            settings: SchedySettings(timeout: schedyTimeout.flatMap { Duration(value: .string($0)) }))
    }

    /// Whether no token is asked for.
    ///
    /// - Throws: A ``Failure`` when others could reach the server and nothing would keep them out.
    private func isOpen(_ kept: any TokenStore, in opened: OpenStore) async throws -> Bool {
        if insecure {
            if !ServerConfiguration(host: host).isLoopback {
                Output.warn("everyone who reaches \(host) may do everything, also run programs through its workers")
            }
            return true
        }
        let isLoopback = ServerConfiguration(host: host).isLoopback
        if isLoopback, !tokens { return true }
        guard try await !kept.tokens().isEmpty else {
            let create = Hint.command("token", "create", "laptop", "--scope", "admin", in: opened)
            let advice = "there is no token yet: make one with: \(create)"
            throw Failure(
                .usage,
                isLoopback
                    ? "--tokens: \(advice)"
                    : "others can reach \(host) (--insecure would let everyone in), and \(advice)")
        }
        if !isLoopback, certificate == nil {
            Output.warn(
                "without TLS, tokens can be read on the network; give --tls-certificate and --tls-key, or use a proxy")
        }
        return false
    }
}
