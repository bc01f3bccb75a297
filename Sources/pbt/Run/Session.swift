// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTWorker
import ServiceLifecycle
import UnixSignals

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A worker in this process, its progress on standard error, and what signals do to it.
///
/// The first SIGINT finishes the intervals in flight, as do SIGUSR1 and SIGUSR2, by which clusters announce the end of a
/// job. A second SIGINT, SIGTERM and SIGHUP stop immediately: trainers are ended and their intervals given back. Either way
/// the same command resumes later.
struct Session: Sendable {
    /// What a session works on.
    let worker: any Service
    /// What is shown of it; nothing for a worker that only serves.
    let progress: Progress?
    /// Where notes go.
    let status: StatusLines
    /// Ends it when the store goes away under it.
    let watch: StoreWatch

    /// How a session ended by a signal.
    private enum Step: Sendable {
        case workerEnded
        case progressEnded
        case stopped(ExitStatus)
    }

    /// Works until the worker has nothing more to do, or a signal ends it.
    ///
    /// - Returns: The exit code that a signal asks for; none when the worker ended by itself.
    /// - Throws: What the worker or the store throws.
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
            // Whoever read the events has gone away; by now the intervals are given back.
            status.clear()
            throw Failure(.terminated, "nobody reads standard output any more; the same command goes on from here")
        } catch {
            status.clear()
            throw error
        }
    }

    private static func handle(_ keys: Keys, _ progress: Progress?, _ status: StatusLines) async {
        for await key in keys.pressed {
            if await progress?.press(key) == true { continue }
            switch key {
            // Exactly as Ctrl-C.
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
                status.print("stopping at once: the intervals in flight are given back")
                return .stopped(.terminated)
            }
            if isInterrupted.set() {
                // An announcement may come again and again; only a Ctrl-C means more.
                guard signal == .sigint else { continue }
                status.print("stopping at once: the intervals in flight are given back")
                return .stopped(.interrupted)
            }
            status.print("finishing the intervals in flight; press Ctrl-C again to stop at once")
            await progress?.isStopping()
            await services.triggerGracefulShutdown()
        }
        return .progressEnded
    }
}
