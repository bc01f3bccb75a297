// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker
import SystemPackage
import UnixSignals

/// Measures the best checkpoints of a finished experiment again, with fresh seeds (`evaluate` in its file).
///
/// Each evaluation is recorded when it has ended, so that a killed process repeats at most those that were running.
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

    private struct Job: Sendable {
        var candidate: Interval
        var number: Int
    }

    /// Evaluates what is missing, and chooses the winner by the means.
    ///
    /// - Returns: False if another process evaluates this experiment, so that nothing was done.
    /// - Throws: A ``Failure`` after a signal, and if the program cannot be run here; a ``PBTError`` of the store.
    @discardableResult
    func run() async throws -> Bool {
        guard let settings = experiment.evaluate else { return true }
        let name = experiment.name
        let record = try await opened.store.record(of: name)
        guard record.state == .finished, record.best != nil else { return true }
        guard let store = opened.store as? any EvaluatingStore, let data = opened.data else {
            note(
                "evaluate: the store is behind a server; evaluate on its machine with: "
                    + Shell.command(["pbt", "evaluate", name, "--store", "FILE"]))
            return true
        }
        let candidates = experiment.candidates(
            among: try await store.intervals(of: name), atMost: settings.candidates)
        let jobs = candidates.flatMap { candidate in
            let known = candidate.evaluations
            return (0..<settings.repeats).filter { number in
                known.first { $0.number == number }.map { retriesFailed && $0.score == nil } ?? true
            }.map { Job(candidate: candidate, number: $0) }
        }
        if !jobs.isEmpty {
            guard let lock = try Lock(data, of: name) else {
                note("another process evaluates the best checkpoints of \(PlainText.line(name))")
                return false
            }
            defer { lock.release() }
            note(
                "evaluating the \(Words.count(candidates.count, "best checkpoint")) of \(PlainText.line(name)): "
                    + Words.count(jobs.count, "evaluation"))
            try await Self.interruptible { try await evaluate(jobs, store, data) }
        }
        _ = try await store.chooseWinner(among: candidates.map(\.id), of: name)
        return true
    }

    /// Runs the evaluations, a limited number concurrently, and records each.
    private func evaluate(_ jobs: [Job], _ store: any EvaluatingStore, _ data: DataDirectory) async throws {
        let run = EvaluationRun(
            experiment, in: data, executor: CommandExecutor(slots: slots, devices: DeviceAssignment(gpus: gpus)))
        let (name, note) = (experiment.name, note)
        try await withThrowingTaskGroup(of: Int.self) { tasks in
            var waiting = jobs[...]
            func start(in slot: Int) {
                guard let job = waiting.popFirst() else { return }
                tasks.addTask {
                    let evaluation = try await run.evaluate(job.candidate, number: job.number, slot: slot)
                    _ = try await store.evaluated(evaluation, of: job.candidate.id, in: name)
                    if let reason = evaluation.reason {
                        note("evaluation \(job.number) of \(job.candidate.id) failed: \(PlainText.line(reason))")
                    }
                    return slot
                }
            }
            for slot in 0..<max(1, slots) { start(in: slot) }
            while let slot = try await tasks.next() { start(in: slot) }
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
        } catch let problem as WorkerProblem {
            throw Failure(.cannotTrain, "the evaluation cannot be run here: \(problem.reason)")
        }
    }

    /// The exclusive right to evaluate an experiment, which ends with the process.
    private struct Lock {
        private let file: FileDescriptor

        /// Takes the lock; nil if another process has it.
        init?(_ data: DataDirectory, of experiment: String) throws {
            try data.prepare(experiment)
            let path = data.directory(of: experiment).appending("evaluate.lock")
            file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
            guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                let error = errno
                try file.close()
                guard error == EWOULDBLOCK else { throw Errno(rawValue: error) }
                return nil
            }
        }

        func release() {
            // A lock that could not be released ends with this process.
            try? file.close()
        }
    }
}
