// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import PBTServer
import PBTWorker
import SystemPackage

/// The first intervals of one member, trained by a persistent trainer with a server of its own.
///
/// Nothing is kept: the store is in memory, and the files are in a directory that is deleted afterwards.
struct PersistentTrial: Sendable {
    /// The experiment.
    let experiment: Experiment
    /// The directory for the files of all trials.
    let directory: FilePath
    /// The number of programs that a run would have at a time.
    let slots: Int
    /// The time limit of an interval, and of the start of a program.
    let limit: Duration

    /// The time limit for a program to exit by itself once it has nothing more to do.
    private static let exitLimit = Duration.seconds(30)

    /// Trains intervals.
    ///
    /// - Parameters:
    ///   - processes: The hyperparameters of the intervals, grouped by process. Each process starts by restoring what the
    ///     previous one has saved.
    ///   - number: A number that distinguishes trials.
    /// - Returns: The outcome of each interval, up to the first that has a non-finite score or saved nothing.
    /// - Throws: A ``Failure`` with the reason and the end of the log when one fails or takes too long.
    func train(_ processes: [[Hyperparameters]], number: Int) async throws -> [TrialRun.Outcome] {
        let files = directory.appending("\(number)")
        let data = DataDirectory(files)
        do {
            let outcomes = try await train(processes, in: data)
            try FileTree.remove(files)
            return outcomes
        } catch {
            try FileTree.remove(files)
            throw error
        }
    }

    private func train(_ processes: [[Hyperparameters]], in data: DataDirectory) async throws -> [TrialRun.Outcome] {
        let schedule = processes.flatMap(\.self)
        var start = experiment.founderCheckpoints[0]
        // A checkpoint of an experiment cannot be resolved here: a check has no store.
        if case .checkpoint = start?.source { start = nil }
        var definition = experiment.replay(
            named: experiment.name, schedule: schedule, seeds: 1, continuing: start.map { FounderCheckpoint($0.source) }
        )
        definition = try data.copyFounders(of: definition, allowingPaths: true)
        definition.retries = 0
        // Nothing is deleted before it was examined.
        definition.keep = .init(best: schedule.count, last: schedule.count)
        let store = InMemoryStore()
        _ = try await store.create(definition)
        var outcomes: [TrialRun.Outcome] = []
        for process in processes {
            let count = outcomes.count + process.count
            let end = try await PersistentService.serve(store, data, most: process.count) { [definition] server, _ in
                try await run(definition, store, data, server, until: count)
            }
            let intervals = try await store.intervals(of: definition.name)
            for index in outcomes.count..<(outcomes.count + process.count) {
                guard let interval = intervals.first(where: { $0.id.index == index }), interval.state != .waiting else {
                    throw try failure(
                        "the program exited without having started interval \(index): \(end)", definition, data)
                }
                outcomes.append(try outcome(of: interval, end, definition, data))
                // No interval could continue from these.
                if interval.state == .diverged || outcomes.last?.checkpoint == nil { return outcomes }
            }
        }
        return outcomes
    }

    /// Returns the outcome of a started interval.
    private func outcome(
        of interval: Interval, _ end: String, _ definition: Experiment, _ data: DataDirectory
    ) throws -> TrialRun.Outcome {
        switch interval.state {
        case .done, .diverged: break
        case .failed:
            throw try failure("the program failed: \(interval.reason ?? end)", definition, data)
        default:
            throw try failure(
                "the program exited without having reported interval \(interval.id.index): \(end)", definition, data)
        }
        var outcome = TrialRun.Outcome(
            hyperparameters: interval.hyperparameters, score: interval.score ?? .nan, metrics: interval.metrics,
            checkpoint: nil, bytes: 0, digest: 0,
            seconds: interval.started.flatMap { start in interval.finished.map { $0.since(start).seconds } } ?? 0)
        if let checkpoint = interval.checkpoint {
            let path = data.checkpoint(checkpoint, of: definition.name)
            let digest = try CheckpointDigest(of: path)
            outcome.digest = digest.value
            outcome.bytes = try data.size(of: path)
            if digest.files > 0 { outcome.checkpoint = checkpoint }
        }
        return outcome
    }

    private enum Step: Sendable {
        case ended(String)
        case finished
        case timedOut(index: Int)
    }

    /// Runs the program until it exits, or has trained all intervals and does not exit.
    private func run(
        _ definition: Experiment, _ store: InMemoryStore, _ data: DataDirectory, _ server: PersistentWorker.Server,
        until count: Int
    ) async throws -> String {
        try await withThrowingTaskGroup(of: Step.self) { tasks in
            tasks.addTask {
                .ended(
                    try await PersistentTrainer.run(
                        definition, server: server, slots: slots, devices: DeviceAssignment(), data: data))
            }
            tasks.addTask { try await watch(definition, store, until: count) }
            guard let first = try await tasks.next() else { return "" }
            tasks.cancelAll()
            switch first {
            case .ended(let end): return end
            case .finished: return "it did not exit by itself"
            case .timedOut(let index):
                // Wait until the program has exited, so that its log is complete.
                while case .some(let result) = await tasks.nextResult() { _ = result }
                throw try failure(
                    "interval \(index) was not reported within \(Format.duration(limit)); if it takes longer, give "
                        + "it more time with --limit", definition, data)
            }
        }
    }

    /// Waits until an interval times out, or the program has nothing more to do and does not exit.
    private func watch(_ definition: Experiment, _ store: InMemoryStore, until count: Int) async throws -> Step {
        var finished = -1
        var deadline = ContinuousClock.now
        while true {
            let last = try await store.lastEvent()
            let record = try await store.record(of: definition.name)
            let now = try await store.intervals(of: definition.name).count { $0.state.isFinished }
            let isDone = now >= count || record.state.isOver
            if now > finished {
                finished = now
                deadline = .now + (isDone ? Self.exitLimit : limit)
            }
            let left = deadline - .now
            guard left > .zero else { return isDone ? .finished : .timedOut(index: now) }
            try await store.waitForEvents(after: last, for: left)
            try Task.checkCancellation()
        }
    }

    private func failure(_ text: String, _ definition: Experiment, _ data: DataDirectory) throws -> Failure {
        let lines = try PersistentTrainer.lastLines(of: definition, in: data, count: 10)
        let tail =
            lines.isEmpty
            ? "" : "\n  its last lines:\n" + lines.map { "    \(PlainText.line($0))" }.joined(separator: "\n")
        return Failure(.noResult, text + tail)
    }
}
