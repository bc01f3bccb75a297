// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import ServiceLifecycle
import SystemPackage

/// One of the programs that are kept running, started again when it ends too early.
struct PersistentSlot: Sendable {
    let worker: PersistentWorker
    let board: Board
    /// Its number, from 0.
    let number: Int

    /// How often in a row a program may end without having begun an interval.
    private static let mostStrikes = 5

    func run() async throws {
        var strikes = 0
        var pause = worker.tidier.configuration.pause
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try await worker.tidier.refresh(board)
            let order = worker.experiments.filter(board.order.contains)
            guard !order.isEmpty else { return }
            let experiment = order[number % order.count]
            let before = try await worker.tidier.store.lastEvent()
            let process = try await prepared(experiment)
            let end: ProcessGroup.End
            do {
                end = try await process.run(clock: worker.clock)
            } catch let error as NoRoom {
                try await wait(for: &pause, because: "\(error)", experiment)
                continue
            }
            try await worker.tidier.refresh(board)
            guard board.order.contains(experiment), end != .cancelled, !Task.isShuttingDownGracefully else { continue }
            // What it had goes to others at once.
            try await worker.tidier.sweep(board)
            let how = try Self.description(of: end, log: process.log)
            guard try await hasBegunSomething(in: experiment, since: before) else {
                strikes += 1
                guard strikes < Self.mostStrikes else {
                    throw PBTError(
                        .wrongState,
                        "the trainer of \"\(experiment)\" ended \(strikes) times without having begun an interval: \(how); "
                            + "its output is in \(process.log)")
                }
                try await wait(for: &pause, because: how, experiment)
                continue
            }
            strikes = 0
            pause = worker.tidier.configuration.pause
            try await wait(for: &pause, because: how, experiment)
        }
    }

    private func wait(for pause: inout Duration, because how: String, _ experiment: String) async throws {
        worker.logger.warning(
            "a trainer ended before its experiment; it is started again",
            metadata: ["experiment": "\(experiment)", "program": "\(number)", "end": "\(how)"])
        let time = pause
        pause = min(pause * 2, worker.tidier.configuration.pause * 60)
        do {
            try await cancelWhenGracefulShutdown { [clock = worker.clock] in try await clock.sleep(for: time) }
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // The loop sees it.
        }
    }

    private func hasBegunSomething(in experiment: String, since event: Int64) async throws -> Bool {
        var last = event
        while true {
            let events = try await worker.tidier.store.events(of: experiment, after: last, limit: 1000)
            if events.contains(where: { $0.kind == .started }) { return true }
            guard let newest = events.last?.id else { return false }
            last = newest
        }
    }

    private func prepared(_ experiment: String) async throws -> PersistentProcess {
        let definition = try await worker.tidier.store.record(of: experiment).experiment
        guard let trainer = definition.trainer else {
            throw PBTError(.badExperiment, "experiment \"\(experiment)\" has no command")
        }
        var variables = [
            "PBT_SERVER": worker.server.url, "PBT_EXPERIMENT": experiment, "PBT_WORKER": String(number),
            "PBT_PARENT": ProcessIdentity.current().text,
        ]
        variables["PBT_TOKEN"] = worker.server.token
        let threads = TrainerEnvironment.threads(for: trainer, slots: worker.slots)
        return PersistentProcess(
            trainer: trainer,
            environment: try worker.environment.entries(
                adding: variables, slot: number, trainer: trainer, threads: threads),
            searchPath: trainer.environment["PATH"] ?? worker.environment["PATH"],
            directory: worker.tidier.data.persistent(number, of: experiment),
            log: worker.tidier.data.directory(of: experiment).appending("logs").appending("worker-\(number).log"))
    }

    /// How a program ended, for a person.
    private static func description(of end: ProcessGroup.End, log: FilePath) throws -> String {
        let last = try LogTail.lastLine(of: log).map { ": \($0)" } ?? " (it printed nothing)"
        switch end {
        case .ended(.exited(let code)): return "exit \(code)\(last)"
        case .ended(.signaled(let signal)):
            return "killed by signal \(signal)\(signal == 9 ? " (maybe out of memory)" : "")\(last)"
        case .timedOut: return "timed out\(last)"
        case .cancelled: return "it was stopped"
        }
    }
}
