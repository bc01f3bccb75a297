// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTReport
import PBTWorker
import ServiceLifecycle
import UnixSignals

/// Measures the best checkpoints of a finished experiment again, with fresh seeds (`evaluate` in its file).
///
/// A worker claims the evaluations that are missing, one after the other, next to workers elsewhere. Each is recorded
/// when it has ended, so that a killed process repeats at most those that were running.
struct Evaluator: Sendable {
    /// The store.
    let opened: OpenStore
    /// The definition, with the settings and the program of the evaluations.
    let experiment: Experiment
    /// The number of evaluations at a time.
    let slots: Int
    /// The devices on the command line; nil for those of the definition.
    var gpus: [String]?
    /// Writes a note for people; does nothing for a quiet command.
    let note: @Sendable (String) -> Void
    /// True to repeat evaluations that failed before.
    var retriesFailed = false

    /// Evaluates what is missing until all is recorded, here or elsewhere, and the winner is chosen.
    ///
    /// - Throws: A ``Failure`` after a signal, and if the program cannot be run here; a ``PBTError`` of the store.
    func run() async throws {
        guard let settings = experiment.evaluate else { return }
        let name = experiment.name
        if let store = opened.store as? any TransactionalStore {
            let plan = try await store.beginEvaluation(of: name, settings, retryingFailed: retriesFailed)
            if plan.missing > 0 {
                note(
                    "evaluating the \(Words.count(plan.candidates, "best checkpoint")) of \(PlainText.line(name)): "
                        + Words.count(plan.missing, "evaluation"))
            }
        }
        guard try await opened.store.record(of: name).needsEvaluation else { return }
        let last = try await opened.store.lastEvent()
        var configuration = WorkerConfiguration(experiments: .named([name]), slots: max(1, slots), end: .whenOver)
        configuration.evaluates = true
        configuration.limits.lasting = 1
        let worker = Worker(
            store: opened.store, checkpoints: try await opened.checkpoints(),
            executor: CommandExecutor(slots: slots, devices: DeviceAssignment(gpus: gpus)),
            configuration: opened.isRemote ? configuration.overNetwork : configuration)
        try await Self.interruptible {
            try await worker.run()
            try Task.checkCancellation()
        }
        try await reportFailures(since: last)
    }

    /// Prints the evaluations that failed since an event.
    private func reportFailures(since last: Int64) async throws {
        var last = last
        while true {
            let events = try await opened.store.events(of: experiment.name, after: last, limit: 1000)
            guard let end = events.last?.id else { return }
            for event in events where event.kind == .evaluated && event.details["retried"] == nil {
                guard let reason = event.details["reason"]?.string, let number = event.details["number"]?.int,
                    let id = event.interval
                else { continue }
                note("evaluation \(number) of \(id) failed: \(PlainText.line(reason))")
            }
            last = end
        }
    }

    private enum Step: Sendable {
        case done
        case signal(UnixSignal)
        case none
    }

    /// Runs the body, and cancels it on a signal that stops a run.
    private static func interruptible(_ body: @escaping @Sendable () async throws -> Void) async throws {
        Orphans.adopt()
        let signals = await UnixSignalsSequence(trapping: Signals.trapped)
        var asked: UnixSignal?
        do {
            try await withThrowingTaskGroup(of: Step.self) { tasks in
                tasks.addTask {
                    try await body()
                    return .done
                }
                tasks.addTask {
                    for await signal in signals { return .signal(signal) }
                    return .none
                }
                while let step = try await tasks.next() {
                    switch step {
                    case .done:
                        tasks.cancelAll()
                        return
                    case .signal(let signal):
                        asked = signal
                        tasks.cancelAll()
                    case .none: break
                    }
                }
            }
        } catch is CancellationError {
            throw Failure(
                asked == .sigterm || asked == .sighup ? .terminated : .interrupted,
                "interrupted while evaluating; rerun the same command to resume")
        } catch let error as PBTError where error.code == .cannotTrain {
            throw Failure(.cannotTrain, "the evaluation cannot be run here: \(error.message)")
        }
    }
}
