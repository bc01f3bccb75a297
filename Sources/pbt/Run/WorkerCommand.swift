// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PBT
import PBTReport
import PBTWorker

/// `pbt worker`.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Train what a store has to be trained.",
        discussion: """
            Serves all running experiments of the store, or one of them with its random search, and ends when they are \
            over. Any number of workers may serve one store.
            """)

    @Argument(help: "The store: a path or sqlite:///path.")
    var store: String

    @Argument(help: "The experiment; all of the store when none is named.")
    var experiment: String?

    @Option(
        name: .long, help: "Programs at a time in this process; default: workers in the definition, the most of all.")
    var workers: Int?

    @Flag(name: .long, help: "Wait for new experiments and queued configurations instead of ending.")
    var wait = false

    @Flag(name: [.short, .long], help: "Say nothing but errors.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Say more.")
    var verbose = false

    func validate() throws {
        if let workers, !(1...4096).contains(workers) {
            throw ValidationError("--workers must be between 1 and 4096, not \(workers)")
        }
    }

    func run() async throws {
        let opened = try OpenStore(StoreLocation(store), creating: false)
        let served = try await served(in: opened)
        for record in served where record.experiment.trainer == nil {
            throw Failure(
                .badFile,
                "\(record.experiment.name) has no command; its trainers are written in Swift and run in that program")
        }
        let open = served.filter { !$0.state.isOver }
        guard wait || !open.isEmpty else {
            if !quiet { Output.note("nothing to train: \(over(served))") }
            return
        }
        let slots = workers ?? (open.isEmpty ? served : open).compactMap { $0.experiment.trainer?.workers }.max() ?? 1
        if !quiet {
            let names =
                experiment.map { PlainText.line($0) }
                ?? (wait ? "all experiments" : Words.count(open.count, "experiment"))
            Output.note("serving \(names) of \(opened.location.path) with \(Words.count(slots, "worker"))")
        }
        let status = StatusLine(isLive: false)
        let session = Session(
            worker: Worker(
                store: opened.store, data: DataDirectory(opened.data), executor: CommandExecutor(slots: slots),
                configuration: WorkerConfiguration(
                    experiments: experiment == nil ? .all : .named(served.map(\.experiment.name)), slots: slots,
                    end: wait ? .never : .whenIdle),
                logger: Logger(label: "pbt") { _ in StatusLogHandler(status: status, isVerbose: verbose) }),
            progress: nil, status: status)
        if let ended = try await session.run() {
            Output.note("stopped; the same command goes on from here")
            throw Failure(ended, nil)
        }
        if !quiet { Output.note(over(try await self.served(in: opened))) }
    }

    /// The experiments that this worker serves, as far as there are any now.
    private func served(in opened: OpenStore) async throws -> [ExperimentRecord] {
        guard let experiment else { return try await opened.store.experiments() }
        return try await ExperimentFamily(experiment, in: opened.store).records
    }

    private func over(_ records: [ExperimentRecord]) -> String {
        let states = records.map { "\(PlainText.line($0.experiment.name)) is \($0.state.rawValue)" }
        return states.isEmpty ? "the store has no experiments" : states.joined(separator: ", ")
    }
}
