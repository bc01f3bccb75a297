// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PBT
import PBTCheckpoints
import PBTClient
import PBTReport
import PBTWorker
import SystemPackage

/// `pbt worker`.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run a worker: claim and train intervals.",
        discussion: """
            Serves all running experiments of the store, or one of them with its random search, and exits when they are \
            finished, with the winner as pbt run does. Any number of workers may serve one store; those of a server may \
            run on any number of machines.
            """)

    @Argument(help: "The store: a path, or the URL of a server.")
    var store: String

    @Argument(help: "The experiment, or last; default: all experiments of the store.")
    var experiment: String?

    @OptionGroup var workersOption: WorkersOption
    @OptionGroup var deviceOptions: DeviceOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The server's data directory as this machine mounts it; default: PBT_DATA, else the server's own path.",
            valueName: "directory"))
    var data: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The cache for checkpoints from a server; default: in the user's cache directory.", valueName: "directory"))
    var cache: String?

    @Option(
        name: .customLong("cache-limit"),
        help: ArgumentHelp("The size limit of that cache in GiB; default: 20.", valueName: "number"))
    var cacheLimit: Double?

    @Flag(name: .long, help: "Wait for new experiments and queued configurations instead of ending.")
    var wait = false

    @Flag(name: [.short, .long], help: "Print only errors.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Print more details.")
    var verbose = false

    @OptionGroup var terminal: TerminalOptions

    func validate() throws {
        if let cacheLimit, !(0...1_000_000).contains(cacheLimit) {
            throw ValidationError("--cache-limit must be between 0 and 1000000 GiB, not \(cacheLimit)")
        }
    }

    mutating func run() async throws {
        let opened = try await OpenStore(
            StoreLocation(store), creating: false, data: data.map { FilePath($0) })
        if !opened.isRemote, data != nil || cache != nil || cacheLimit != nil {
            throw Failure(
                .usage, "--data, --cache and --cache-limit are for servers; the files of \(store) are next to it")
        }
        if !quiet { try await opened.warnOfUnknownFiles() }
        if let name = experiment { experiment = try await opened.store.resolved(name) }
        let served = try await served(in: opened)
        if experiment != nil {
            for record in served where record.experiment.trainer == nil {
                throw Failure(
                    .badFile,
                    "\(record.experiment.name) has no command; its trainers run elsewhere: in Swift, or as Schedy clients"
                )
            }
        }
        let isPersistent = experiment != nil && served.contains { $0.experiment.trainer?.isPersistent == true }
        for record in served where experiment == nil && !record.state.isOver && !Self.serves(record.experiment) {
            Output.note(
                "skipping \(PlainText.line(record.experiment.name)): \(Self.reason(record.experiment, in: opened.location))"
            )
        }
        let open = served.filter {
            ($0.needsEvaluation && Self.evaluates($0.experiment))
                || (!$0.state.isOver && (isPersistent || Self.serves($0.experiment)))
        }
        guard wait || !open.isEmpty else {
            if !quiet { Output.note("nothing to train: \(states(of: served))") }
            if experiment != nil {
                try Self.check(served)
                try await printResults(of: served, in: opened)
            }
            return
        }
        let gpus = try deviceOptions.groups()
        let slots =
            workersOption.workers ?? gpus?.count
            ?? (open.isEmpty ? served : open).compactMap { $0.experiment.trainer?.workers }.max() ?? 1
        try checkDevices(of: open, slots: slots, gpus)
        if !quiet {
            let names =
                experiment.map { PlainText.line($0) }
                ?? (wait ? "all experiments" : Words.count(open.count, "experiment"))
            Output.note("serving \(names) of \(opened.location) with \(Words.count(slots, "worker"))")
        }
        let session = try await session(
            serving: served, slots: slots, gpus, isPersistent: isPersistent && open.contains { !$0.state.isOver },
            in: opened)
        try await finish(session, training: wait && !isPersistent ? [] : open, in: opened)
    }

    /// Returns the session that trains.
    private func session(
        serving served: [ExperimentRecord], slots: Int, _ gpus: [String]?, isPersistent: Bool, in opened: OpenStore
    ) async throws -> Session {
        let status = StatusLines(isLive: false)
        let logger = Logger(label: "pbt") { [verbose] _ in StatusLogHandler(status: status, isVerbose: verbose) }
        let devices = DeviceAssignment(gpus: gpus) { logger.warning("\($0)") }
        if isPersistent {
            let service = PersistentService(
                opened: opened, experiments: served.map(\.experiment.name), slots: slots, devices: devices,
                logger: logger)
            return Session(worker: service, progress: nil, status: status, watch: StoreWatch(opened: opened))
        }
        var configuration = WorkerConfiguration(
            experiments: experiment == nil ? .all : .named(served.map(\.experiment.name)), slots: slots,
            end: wait ? .never : .whenIdle)
        configuration.evaluates = true
        configuration.serves = { experiment in
            Self.serves(experiment) && experiment.trainer?.with(gpus: gpus).deviceProblem(slots: slots) == nil
        }
        let checkpoints = try await opened.checkpoints(
            cache: cache.map { FilePath($0) },
            limit: cacheLimit.map { Int64($0 * Double(1 << 30)) } ?? RemoteCheckpoints.usualLimit)
        if !quiet, opened.data == nil {
            Output.note("checkpoints are transferred through the server; cache \(checkpoints.data.root)")
        }
        return Session(
            worker: Worker(
                store: opened.store, checkpoints: checkpoints,
                executor: CommandExecutor(slots: slots, devices: devices),
                configuration: opened.isRemote ? configuration.overNetwork : configuration, logger: logger),
            progress: nil, status: status, watch: StoreWatch(opened: opened))
    }

    /// Prints which experiments cannot be trained here because a device is missing.
    ///
    /// - Throws: A ``Failure`` when none is left, or when the only experiment lacks one.
    private func checkDevices(of open: [ExperimentRecord], slots: Int, _ gpus: [String]?) throws {
        var missing: Failure?
        var lacking = 0
        for record in open {
            do {
                try record.experiment.trainer?.with(gpus: gpus).checkDevices(of: record.experiment.name, slots: slots)
            } catch let failure as Failure {
                guard experiment == nil else { throw failure }
                missing = failure
                lacking += 1
                Output.note("skipping \(failure.message ?? "")")
            }
        }
        if let missing, lacking == open.count, !wait { throw missing }
    }

    /// Runs the session, and prints how it ended.
    private func finish(
        _ session: Session, training trained: [ExperimentRecord], in opened: OpenStore
    ) async throws {
        if let ended = try await session.run() {
            Output.note("stopped; rerun the same command to resume")
            throw Failure(ended, nil)
        }
        let now = try await self.served(in: opened)
        if !quiet { Output.note(states(of: now)) }
        // An earlier failure is not this worker's result.
        let results = now.filter { record in trained.contains { $0.id == record.id } }
        try await printResults(of: results, in: opened)
        try Self.check(results)
    }

    /// Prints the winners of the experiments that have ended, as `pbt run` does; in short when there are several.
    private func printResults(of records: [ExperimentRecord], in opened: OpenStore) async throws {
        guard !quiet else { return }
        let baselines = Set(records.compactMap { $0.experiment.baseline?.name })
        for record in records where record.state.isOver && record.state != .failed && record.best != nil {
            let name = record.experiment.name
            guard !baselines.contains(name) || name == experiment else { continue }
            let result = try await RunResult(of: ExperimentFamily(name, in: opened.store), in: opened)
            try result.print(experiment == nil ? .withPath : .full)
        }
    }

    /// Reports failed experiments.
    ///
    /// - Throws: A ``Failure`` when one did.
    private static func check(_ records: [ExperimentRecord]) throws {
        let failed = records.filter { $0.state == .failed }
        guard !failed.isEmpty else { return }
        let failures = failed.map { record in
            "\(PlainText.line(record.experiment.name)) failed"
                + (record.reason.map { ": \(PlainText.line($0))" } ?? "")
        }
        throw Failure(.noResult, failures.joined(separator: "; "))
    }

    /// Returns true if a program can be started for each evaluation of an experiment.
    private static func evaluates(_ experiment: Experiment) -> Bool {
        serves(experiment.evaluating)
    }

    /// Returns true if a program can be started for each interval of an experiment.
    private static func serves(_ experiment: Experiment) -> Bool {
        experiment.trainer.map { !$0.isPersistent } ?? false
    }

    private static func reason(_ experiment: Experiment, in store: StoreLocation) -> String {
        experiment.trainer == nil
            ? "it has no command"
            : "its trainer is persistent; serve it by name: \(Hint.worker(store, experiment.name))"
    }

    /// Returns the experiments that this worker serves now.
    private func served(in opened: OpenStore) async throws -> [ExperimentRecord] {
        guard let experiment else { return try await opened.store.experiments() }
        return try await ExperimentFamily(experiment, in: opened.store).records
    }

    private func states(of records: [ExperimentRecord]) -> String {
        let states = records.map { "\(PlainText.line($0.experiment.name)) is \($0.state.rawValue)" }
        return states.isEmpty ? "the store has no experiments" : states.joined(separator: ", ")
    }
}
