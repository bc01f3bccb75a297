// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PBT
import PBTReport
import PBTWorker
import ServiceLifecycle
import SystemPackage

/// `pbt run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Train an experiment to its end, or go on where it stopped.",
        discussion: """
            Run the same file again to go on after an interruption, or in a second terminal to join in with more workers. \
            The first Ctrl-C finishes the intervals in flight, the second stops at once; both leave a run that goes on.
            """)

    @Argument(help: "The experiment file (YAML or JSON).", completion: .file())
    var file: String

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var overrides: ExperimentOverrides
    @OptionGroup var shown: ProgressFlags

    @Option(name: .long, help: "Programs at a time in this process; default: workers in the file.")
    var workers: Int?

    @Option(
        name: .long, defaultAsFlag: 7070,
        help: ArgumentHelp(
            "Show the dashboard on this machine while it trains; --dashboard=0 takes any port.",
            valueName: "port"))
    var dashboard: Int?

    func validate() throws {
        if let dashboard, !(0...65535).contains(dashboard) {
            throw ValidationError("--dashboard must be a port between 0 and 65535, not \(dashboard)")
        }
        if let workers, !(1...4096).contains(workers) {
            throw ValidationError("--workers must be between 1 and 4096, not \(workers)")
        }
    }

    func run() async throws {
        let source = try ExperimentFile(file)
        let experiment = try overrides.applied(to: source.experiment)
        guard let trainer = experiment.trainer else {
            throw Failure(.badFile, "\(file) has no command")
        }
        try source.checkProgram(of: trainer)
        try trainer.checkDevices(of: experiment.name, slots: workers ?? trainer.workers)
        source.warn()
        let opened = try await storeOptions.open(in: source.directory, creating: true)
        try await opened.checkUnclaimed(experiment)
        if !shown.quiet { try await opened.warnOfUnknownFiles() }
        let last = try await opened.store.lastEvent()
        let hint = overrides.hint(file, workers: workers, in: opened, beside: source.directory)
        let notice = ChangeNotice(hint: hint, opened: opened)
        let registration = try await Registration(experiment, in: opened, retrying: true) { change in
            try await notice.tell(change)
        }
        if registration.outcome == .alreadyFinished {
            Output.note(
                "\(PlainText.line(experiment.name)) is already \(registration.family.main.state.rawValue); this is its result"
            )
            try await Self.conclude(registration.family, in: opened, shown: shown)
            return
        }
        if registration.family.main.state == .paused {
            let resume = Hint.command("resume", experiment.name, in: opened)
            throw Failure(
                .tryLater, "\(PlainText.line(experiment.name)) is paused; resume it: \(resume) && \(hint.command())")
        }
        let slots = workers ?? trainer.workers
        let options = shown.options
        if options.style == .live || options.style == .plain {
            StartLines(registration, trainer: trainer, slots: slots, opened: opened)
                .print(isLive: options.style == .live)
        }
        try await RunDashboard.beside(opened, experiment: experiment.name, port: dashboard) {
            try await Self.work(
                on: registration.family, in: opened, slots: slots, after: last, options: options)
        }
        try await Self.conclude(registration.family, in: opened, shown: shown)
    }

    /// Trains until all is over, or a signal ends it.
    ///
    /// - Throws: A ``Failure`` with an empty message when a signal ended it; what is to be said has been said then.
    static func work(
        on family: ExperimentFamily, in opened: OpenStore, slots: Int, after last: Int64, options: ProgressOptions
    ) async throws {
        let status = StatusLines(isLive: options.style == .live)
        let logger = Logger(label: "pbt") { _ in StatusLogHandler(status: status, isVerbose: options.isVerbose) }
        let configuration = WorkerConfiguration(
            // A manual search is never over; its queue may be empty.
            experiments: .named(family.names), slots: slots, end: .whenIdle)
        let worker: any Service =
            if family.main.experiment.trainer?.isPersistent == true {
                PersistentService(opened: opened, experiments: family.names, slots: slots, logger: logger)
            } else {
                Worker(
                    store: opened.store, checkpoints: try await opened.checkpoints(),
                    executor: CommandExecutor(slots: slots),
                    configuration: opened.isRemote ? configuration.overNetwork : configuration, logger: logger)
            }
        let session = Session(
            worker: worker,
            progress: Progress(
                family, in: opened, after: last, status: status, slots: slots, options: options), status: status,
            watch: StoreWatch(opened: opened))
        let name = family.main.experiment.name
        guard let ended = try await session.run() else { return }
        // What was in flight may have been the last.
        let now = try await ExperimentFamily(name, in: opened.store)
        if now.isOver, ended == .interrupted { return }
        throw Failure(ended, interrupted: now)
    }

    /// Says what came out.
    private static func conclude(
        _ family: ExperimentFamily, in opened: OpenStore, shown: ProgressFlags
    ) async throws {
        let winner = try await Winner(of: family, in: opened)
        if shown.json {
            try Output.jsonLine(winner.value)
        } else {
            try winner.print(isQuiet: shown.quiet)
        }
        guard winner.status == .done else { throw Failure(winner.status, nil) }
    }
}

extension Failure {
    /// A run that a signal ended, and how to go on.
    init(_ status: ExitStatus, interrupted family: ExperimentFamily) {
        let finished = family.records.reduce(0) { $0 + $1.intervalsFinished }
        let planned = family.records.reduce(0) { $0 + $1.intervalsPlanned }
        Output.note("stopped after \(finished) of \(planned) intervals; the same command goes on from here")
        self.init(status, nil)
    }
}
