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
        abstract: "Train an experiment to its end, or resume it.",
        discussion: """
            Run the same file again to resume after an interruption, or in a second terminal to add workers. The first \
            Ctrl-C finishes the running intervals, the second stops immediately; either way the run can be resumed.
            """)

    @Argument(help: "The experiment file (YAML or JSON).", completion: .file())
    var file: String

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var overrides: ExperimentOverrides
    @OptionGroup var shown: ProgressFlags

    @OptionGroup var workersOption: WorkersOption
    @OptionGroup var deviceOptions: DeviceOptions

    @Option(
        name: .long, defaultAsFlag: 7070,
        help: ArgumentHelp(
            "Serve the dashboard on this machine while training; --dashboard=0 picks a free port.",
            valueName: "port"))
    var dashboard: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The number of searches to train, with successive seeds; prints one table at the end.", valueName: "count"))
    var seeds: Int?

    func validate() throws {
        if let dashboard, !(0...65535).contains(dashboard) {
            throw ValidationError("--dashboard must be a port between 0 and 65535, not \(dashboard)")
        }
        if let seeds, !(1...1000).contains(seeds) {
            throw ValidationError("--seeds must be between 1 and 1000, not \(seeds)")
        }
    }

    func run() async throws {
        let source = try ExperimentFile(file)
        let experiment = try overrides.applied(to: source.experiment)
        guard let trainer = experiment.trainer else {
            throw Failure(.badFile, "\(file) has no command")
        }
        let gpus = try deviceOptions.groups()
        let slots = workersOption.workers ?? gpus?.count ?? trainer.workers
        try source.checkProgram(of: trainer)
        try trainer.with(gpus: gpus).checkDevices(of: experiment.name, slots: slots)
        source.warn()
        let searches = try seeds.map { try SeededSearches(of: experiment, count: $0) }
        let opened = try await storeOptions.open(in: source.directory, creating: true)
        if !shown.quiet { try await opened.warnOfUnknownFiles() }
        let last = try await opened.store.lastEvent()
        let hint = overrides.hint(
            file, workers: workersOption.workers, seeds: seeds, gpus: gpus, in: opened,
            storeDirectory: source.directory)
        let search = Search(opened: opened, trainer: trainer, slots: slots, gpus: gpus, shown: shown, hint: hint)
        if let searches {
            return try await RunDashboard.serve(opened, experiment: searches.experiments[0].name, port: dashboard) {
                try await searches.run(search)
            }
        }
        let registration = try await search.register(experiment)
        if registration.isFinished {
            Output.note(
                "\(PlainText.line(experiment.name)) is already \(registration.family.main.state.rawValue); this is its result"
            )
            try await search.evaluate(experiment)
        } else {
            try await RunDashboard.serve(opened, experiment: experiment.name, port: dashboard) {
                try await search.train(registration, after: last)
                try await search.evaluate(experiment)
            }
        }
        try await Self.conclude(registration.family, in: opened, shown: shown)
    }

    /// Prints the result.
    ///
    /// - Throws: A ``Failure`` when there is no usable result.
    private static func conclude(
        _ family: ExperimentFamily, in opened: OpenStore, shown: ProgressFlags
    ) async throws {
        let result = try await RunResult(of: family, in: opened)
        if shown.json {
            try Output.jsonLine(result.value)
        } else {
            try result.print(shown.quiet ? .line : .full)
        }
        guard result.status == .done else { throw Failure(result.status, nil) }
    }
}
