// SPDX-License-Identifier: Apache-2.0

import LibC
import Logging
import PBT
import PBTWorker
import ServiceLifecycle
import UnixSignals

/// A worker in this process, with its progress on standard error and its handling of signals.
///
/// The first SIGINT finishes the running intervals, as do SIGUSR1 and SIGUSR2, by which clusters announce the end of a
/// job. A second SIGINT, SIGTERM and SIGHUP stop immediately: trainers are terminated and their intervals released. Either
/// way the same command resumes later.
struct Session: Sendable {
    /// The worker.
    let worker: any Service
    /// The progress output; nil for a worker that only serves.
    let progress: Progress?
    /// The destination of notes.
    let status: StatusLines
    /// The check that ends the session when the store is removed.
    let watch: StoreWatch

    /// The end of a task of the session.
    private enum Step: Sendable {
        case workerEnded
        case progressEnded
        case stopped(ExitStatus)
    }

    /// Runs until the worker has nothing more to do, or a signal ends the session.
    ///
    /// - Returns: The exit code of the signal; nil when the worker ended by itself.
    /// - Throws: The error of the worker or the store.
    func run() async throws -> ExitStatus? {
        let signals = await UnixSignalsSequence(trapping: Signals.trapped)
        Orphans.adopt()
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: watch, successTerminationBehavior: .ignore),
                ],
                logger: Logger(label: "pbt.services") { _ in SwiftLogNoOpLogHandler() }))
        let isInterrupted = Latch()
        let keys = status.isLive ? try Keys() : nil
        defer { keys?.stop() }
        status.begin()
        do {
            let ended: ExitStatus? = try await withThrowingTaskGroup(of: Step.self) { tasks in
                tasks.addTask {
                    try await services.run()
                    return .workerEnded
                }
                tasks.addTask {
                    try await progress?.follow()
                    return .progressEnded
                }
                tasks.addTask {
                    await Self.handle(signals, services, isInterrupted, status, progress)
                }
                if status.isLive {
                    let resized = await UnixSignalsSequence(trapping: .sigwinch)
                    tasks.addTask {
                        for await _ in resized { await progress?.redraw() }
                        return .progressEnded
                    }
                    tasks.addTask {
                        if let keys { await Self.handle(keys, progress, status) }
                        return .progressEnded
                    }
                }
                var asked: ExitStatus?
                while let step = try await tasks.next() {
                    switch step {
                    case .workerEnded:
                        tasks.cancelAll()
                        return asked ?? (isInterrupted.isSet ? ExitStatus.interrupted : nil)
                    case .stopped(let status):
                        asked = status
                        tasks.cancelAll()
                    case .progressEnded: break
                    }
                }
                return asked
            }
            try await progress?.end()
            return ended
        } catch let failure as Failure where failure.status == .done {
            // The reader of the events has closed the pipe; the intervals are released by now.
            status.clear()
            throw Failure(.terminated, "standard output was closed; rerun the same command to resume")
        } catch {
            status.clear()
            throw error
        }
    }

    private static func handle(_ keys: Keys, _ progress: Progress?, _ status: StatusLines) async {
        for await key in keys.pressed {
            if await progress?.press(key) == true { continue }
            switch key {
            // The same as Ctrl-C.
            case .character("q"): kill(getpid(), SIGINT)
            case .character("p"):
                do {
                    try await progress?.togglePause()
                } catch {
                    status.print("cannot pause: \((error as? PBTError)?.message ?? "\(error)")")
                }
            default: break
            }
        }
    }

    private static func handle(
        _ signals: UnixSignalsSequence, _ services: ServiceGroup, _ isInterrupted: Latch, _ status: StatusLines,
        _ progress: Progress?
    ) async -> Step {
        for await signal in signals {
            guard signal == .sigint || Signals.announcements.contains(signal) else {
                status.print("stopping immediately: the running intervals are released")
                return .stopped(.terminated)
            }
            if isInterrupted.set() {
                // An announcement may be repeated; only a Ctrl-C means more.
                guard signal == .sigint else { continue }
                status.print("stopping immediately: the running intervals are released")
                return .stopped(.interrupted)
            }
            status.print("finishing the running intervals; press Ctrl-C again to stop immediately")
            await progress?.isStopping()
            await services.triggerGracefulShutdown()
        }
        return .progressEnded
    }
}
