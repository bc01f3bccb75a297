// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTCheckpoints
import PBTTesting
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import PBTWorker

@Suite(.timeLimit(.minutes(10))) struct `A worker that cannot train` {
    let first = IntervalID(member: 0, index: 0)
    let store = InMemoryStore(clock: ManualClock().store)

    static func configuration(slots: Int = 1) -> WorkerConfiguration {
        WorkerConfiguration(experiments: .named(["toy"]), slots: slots, poll: .seconds(60), pause: .milliseconds(1))
    }

    /// Runs a worker that is expected to stop by itself, and returns why, and what it warned of.
    private func stop(_ executor: some Executor, slots: Int = 1) async throws -> (error: PBTError, warnings: [String]) {
        try await withData { data in
            let log = RecordingLog()
            let error = await #expect(throws: PBTError.self) {
                try await Worker(
                    store: store, data: data, executor: executor, configuration: Self.configuration(slots: slots),
                    logger: log.logger
                ).run()
            }
            return (try #require(error), log.warnings)
        }
    }

    @Test func `charges nothing, says so once, and stops with its reason`() async throws {
        try await withTemporaryDirectory { root in
            _ = try await store.create(.shell("true", population: 3, retries: 0, in: FilePath(root).appending("gone")))
            let (error, warnings) = try await stop(CommandExecutor())
            #expect(error.code == .cannotTrain)
            let reason = "the experiment's directory \(root)/gone is not there"
            #expect(error.message.hasPrefix("this worker stopped, since it cannot train: \(reason)"))
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains(reason) == true)
            let intervals = try await store.intervals(of: "toy")
            #expect(intervals.allSatisfy { $0.state == .waiting && $0.failures == 0 })
            #expect(intervals.map(\.attempts).reduce(0, +) == WorkerConfiguration.Limits().lasting)
        }
    }

    @Test func `stops only the slot whose device is missing`() async throws {
        try await withData { data in
            _ = try await store.create(
                .shell(countingScript, population: 4, intervals: 3, retries: 0, workers: 2, gpus: ["0", "1"]))
            var variables = ProcessInfo.processInfo.environment
            variables["CUDA_VISIBLE_DEVICES"] = "5"
            let log = RecordingLog()
            try await Worker(
                store: store, data: data,
                executor: CommandExecutor(slots: 2, environment: TrainerEnvironment(variables)),
                configuration: Self.configuration(slots: 2), logger: log.logger
            ).run()
            let intervals = try await store.intervals(of: "toy")
            #expect(intervals.count == 12)
            #expect(intervals.allSatisfy { $0.state == .done && $0.failures == 0 })
            #expect(log.warnings.count { $0.contains("there is no device 1") } <= 2, "\(log.warnings)")
        }
    }

    @Test func `trains on when what it lacked is there again`() async throws {
        try await withData { data in
            _ = try await store.create(.shell("true", retries: 0))
            let tries = Mutex(0)
            let executor = ClosureExecutor { _ in
                let number = tries.withLock { tries in
                    tries += 1
                    return tries
                }
                return number < WorkerConfiguration.Limits().transient
                    ? .unable(WorkerProblem("no memory", isTransient: true))
                    : .trained(score: 1, metrics: ["score": 1])
            }
            try await Worker(
                store: store, data: data, executor: executor, configuration: Self.configuration()
            ).run()
            let interval = try await store.interval(first, of: "toy")
            #expect(interval.state == .done)
            #expect(interval.failures == 0)
        }
    }

    @Test func `stops when its program gives every interval back`() async throws {
        _ = try await store.create(.shell("echo not yet; exit 75", retries: 0))
        let (error, warnings) = try await stop(CommandExecutor())
        #expect(error.code == .cannotTrain)
        #expect(error.message.contains("gave its interval back 10 times in a row: exit 75: not yet"))
        #expect(warnings.count == 1)
        let interval = try await store.interval(first, of: "toy")
        #expect(interval.state == .waiting)
        #expect(interval.failures == 0)
    }

    @Test func `takes missing checkpoints of a whole experiment for a file system that is not mounted`() async throws {
        try await withData { data in
            let experiment = Experiment.shell("true")
            var attempt = try data.begin(experiment.assignment(), slot: 0)
            attempt.parentCheckpoint = data.root.appending("elsewhere/checkpoints/m0000-i0000-a1")
            guard case .unable(let problem) = await CommandExecutor().run(attempt) else {
                Issue.record("it is charged to the interval")
                return
            }
            #expect(problem.isTransient)
            #expect(problem.reason.contains("is the file system mounted?"))
            // One that is missing among others is the interval's.
            attempt.parentCheckpoint = data.checkpoint("m0000-i0000-a1", of: "toy")
            guard case .failed(let reason) = await CommandExecutor().run(attempt) else {
                Issue.record("it is not charged to the interval")
                return
            }
            #expect(reason.contains("was it deleted by hand?"))
        }
    }

    @Test func `warns once of a program that saves nothing`() async throws {
        try await withData { data in
            _ = try await store.create(.shell("echo '{\"score\": 1}' > $PBT_RESULTS", population: 2, intervals: 2))
            let log = RecordingLog()
            try await Worker(
                store: store, data: data, executor: CommandExecutor(), configuration: Self.configuration(),
                logger: log.logger
            ).run()
            #expect(log.warnings.count == 1)
            #expect(log.warnings.first?.contains("saves nothing into PBT_CHECKPOINT_OUT") == true)
        }
    }

    @Test func `stops when its first attempts fail at one interval after another`() async throws {
        // Something was done before, by another worker, so that the experiment itself is in order.
        _ = try await store.create(.shell("echo no module; exit 1", population: 8, intervals: 2, retries: 2))
        let claim = try await store.claim(1, from: "toy", by: "another", for: .seconds(60), key: nil)
        let lease = try #require(claim.assignments.first?.lease)
        _ = try await store.finish(lease, .trained(score: 1, metrics: ["score": 1], checkpoint: "m0000-i0000-a1"))
        let (error, _) = try await stop(CommandExecutor())
        #expect(error.code == .cannotTrain)
        #expect(error.message.contains("its first 8 attempts at \"toy\" failed"))
        #expect(try await store.intervals(of: "toy").allSatisfy { $0.state != .failed })
    }
}

@Suite struct `Setbacks in a row` {
    private let configuration = WorkerConfiguration(experiments: .all, pause: .seconds(1))
    private let problem = Setback.unable(WorkerProblem("no memory", isTransient: true))

    private func pause(_ verdict: Setbacks.Verdict) -> Double? {
        guard case .pause(let time) = verdict else { return nil }
        return time / .seconds(1)
    }

    @Test func `are followed by pauses that double, shortened at random by a quarter at most`() throws {
        var setbacks = Setbacks(configuration)
        for whole in [1.0, 2, 4, 8, 16, 32, 60] {
            let time = try #require(pause(setbacks.verdict(on: problem)))
            #expect((0.75 * whole...whole).contains(time))
        }
        guard case .end(let reason) = setbacks.verdict(on: problem) else {
            Issue.record("the eighth is not the last")
            return
        }
        #expect(reason == "it cannot train: no memory")
    }

    @Test func `are forgotten after a success`() throws {
        var setbacks = Setbacks(configuration)
        for _ in 0..<7 { _ = setbacks.verdict(on: problem) }
        setbacks.clear()
        #expect(try #require(pause(setbacks.verdict(on: problem))) <= 1)
    }

    @Test func `of attempts that failed have short pauses at first, so that others may have the interval`() throws {
        let failed = Setback.failed(reason: "exit 1", interval: IntervalID(member: 0, index: 0), of: "toy")
        var setbacks = Setbacks(configuration)
        for whole in [0.25, 0.5, 1, 2] {
            let time = try #require(pause(setbacks.verdict(on: failed)))
            #expect((0.75 * whole...whole).contains(time))
        }
    }
}
