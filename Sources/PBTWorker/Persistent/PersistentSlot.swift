// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTCheckpoints
import ServiceLifecycle
import SystemPackage

/// A slot for a persistent program, which is restarted when it ends too early.
struct PersistentSlot: Sendable {
    let worker: PersistentWorker
    let tracker: ExperimentTracker
    /// The number of the slot, from 0.
    let number: Int

    func run() async throws {
        var setbacks = Setbacks(worker.tidier.configuration)
        while !Task.isShuttingDownGracefully, !Task.isCancelled, tracker.health.isFit {
            try await worker.tidier.refresh(tracker)
            let order = worker.experiments.filter(tracker.order.contains)
            guard !order.isEmpty else { return }
            let experiment = order[number % order.count]
            let before = try await worker.tidier.store.lastEvent()
            let process: PersistentProcess
            let end: ProcessGroup.End
            do {
                process = try await prepared(experiment)
                end = try await process.run(clock: worker.clock)
            } catch {
                guard let problem = WorkerProblem(setup: error) else { throw error }
                guard try await bear(.unable(problem), &setbacks) else { return }
                continue
            }
            try await worker.tidier.refresh(tracker)
            guard tracker.order.contains(experiment), end != .cancelled, !Task.isShuttingDownGracefully else {
                continue
            }
            // Releases its intervals immediately.
            try await worker.tidier.sweep(tracker)
            let how = try Self.description(of: end, log: process.log)
            guard let setback = try await setback(of: experiment, since: before, how, process.log) else {
                setbacks.clear()
                tracker.health.succeeded()
                restarting(experiment, how, process.log)
                try await sleep(worker.tidier.configuration.pause)
                continue
            }
            guard tracker.order.contains(experiment) else { continue }
            guard try await bear(setback, &setbacks) else { return }
            if case .failed = setback { restarting(experiment, how, process.log) }
        }
    }

    /// Logs the restart of a program, once for each kind of end.
    private func restarting(_ experiment: String, _ how: String, _ log: FilePath) {
        let text = "the program of \"\(experiment)\" ended before its experiment (\(how)); it is restarted"
        guard tracker.health.isNews(failureKind(of: text)) else { return }
        worker.logger.warning("\(text); its log: \(log)")
    }

    /// Backs off after a setback.
    ///
    /// - Returns: False if a limit is reached and the slot must end.
    private func bear(_ setback: Setback, _ setbacks: inout Setbacks) async throws -> Bool {
        if let reason = tracker.health.note(setback, in: worker.tidier.configuration) {
            tracker.health.end(because: reason)
            return false
        }
        switch setbacks.verdict(on: setback) {
        case .end(let reason):
            if tracker.health.endSlot(because: reason), worker.slots > 1 {
                worker.logger.warning("program \(number) is not restarted, since \(reason)")
            }
            return false
        case .pause(let time):
            if let text = setback.warning, tracker.health.isNews(text) { worker.logger.warning("\(text)") }
            try await sleep(time)
        }
        return true
    }

    private func sleep(_ time: Duration) async throws {
        do {
            try await cancelWhenGracefulShutdown { [clock = worker.clock] in try await clock.sleep(for: time) }
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // The loop checks for it.
        }
    }

    /// Classifies the end of a program by the events of the experiment while it ran.
    ///
    /// Intervals of processes that have ended are those of this program.
    ///
    /// - Returns: A setback; nil if the program trained an interval.
    private func setback(
        of experiment: String, since event: Int64, _ how: String, _ log: FilePath
    ) async throws -> Setback? {
        var last = event
        var started: [(interval: IntervalID, worker: String)] = []
        var trained: Set<IntervalID> = []
        while true {
            let events = try await worker.tidier.store.events(of: experiment, after: last, limit: 1000)
            for event in events {
                guard let interval = event.interval else { continue }
                switch event.kind {
                case .started:
                    started.removeAll { $0.interval == interval }
                    started.append((interval, event.details["worker"]?.string ?? ""))
                case .done, .diverged: trained.insert(interval)
                default: break
                }
            }
            guard let newest = events.last?.id else { break }
            last = newest
        }
        let own = started.filter { WorkerName($0.worker)?.isKnownDead ?? true }
        if own.contains(where: { trained.contains($0.interval) }) { return nil }
        guard let interval = own.last?.interval else { return .startless(end: how, log: "\(log)") }
        return .failed(reason: "\(how); its log: \(log)", interval: interval, of: experiment)
    }

    private func prepared(_ experiment: String) async throws -> PersistentProcess {
        let definition = try await worker.tidier.store.record(of: experiment).experiment
        return try PersistentProcess(
            of: definition, number: number, slots: worker.slots, server: worker.server,
            environment: worker.environment, devices: worker.devices, data: worker.tidier.data)
    }

    /// Returns a description of the end of a program, for messages.
    static func description(of end: ProcessGroup.End, log: FilePath) throws -> String {
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
