// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTSQLite
import PBTTesting
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints
@testable import PBTWorker

extension WorkerConfiguration {
    /// Serves the experiment of most tests.
    static func toy(
        slots: Int = 1, end: End = .whenOver, term: Duration = .seconds(60), poll: Duration = .seconds(60)
    ) -> Self {
        Self(experiments: .named(["toy"]), slots: slots, end: end, term: term, poll: poll)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A worker` {
    let first = IntervalID(member: 0, index: 0)
    let store = InMemoryStore(clock: ManualClock().store)
    let done = AttemptEnd.trained(score: 1, metrics: ["score": 1])

    @Test func `counts no failure for exit 75, pauses, and trains the interval again`() async throws {
        try await withData { data in
            _ = try await store.create(
                .shell("[ $PBT_ATTEMPT = 3 ] || exit 75; echo '{\"score\": 1}' > $PBT_RESULTS"))
            let clock = RecordingClock()
            try await Worker(
                store: store, data: data, executor: CommandExecutor(), configuration: .toy(), clock: clock
            ).run()
            let interval = try await store.interval(first, of: "toy")
            #expect(interval.state == .done)
            #expect(interval.failures == 0)
            #expect(interval.attempts == 3)
            #expect(clock.sleeps.map { ($0 / .seconds(1)).rounded() } == [1, 2])
        }
    }

    @Test func `records a score that is no number as diverged, and keeps no checkpoint of it`() async throws {
        try await withData { data in
            _ = try await store.create(
                .shell("echo x > $PBT_CHECKPOINT_OUT/x; echo '{\"score\": NaN}' > $PBT_RESULTS", intervals: 2))
            try await Worker(store: store, data: data, executor: CommandExecutor(), configuration: .toy()).run()
            let intervals = try await store.intervals(of: "toy")
            #expect(intervals.map(\.state) == [.diverged, .diverged])
            #expect(intervals.allSatisfy { $0.checkpoint == nil })
            #expect(try data.directory(of: "toy").appending("checkpoints").names() == [])
            #expect(try data.attempts(of: "toy").names() == [])
        }
    }

    @Test func `tries again as often as the experiment says, and keeps each attempt's log`() async throws {
        try await withData { data in
            _ = try await store.create(.shell("echo attempt $PBT_ATTEMPT; exit 1", retries: 2))
            try await Worker(store: store, data: data, executor: CommandExecutor(), configuration: .toy()).run()
            let interval = try await store.interval(first, of: "toy")
            // Nothing was ever trained, so it is the experiment that failed.
            #expect(try await store.record(of: "toy").state == .failed)
            #expect(interval.state == .waiting)
            #expect(interval.reason == "exit 1: attempt 3")
            let logs = data.directory(of: "toy").appending("logs")
            #expect(try logs.names() == (1...3).map { "m0000-i0000-a\($0).log" })
            #expect(try logs.appending("m0000-i0000-a2.log").text() == "attempt 2\n")
        }
    }

    @Test func `stops training when the experiment is stopped, and deletes what it began`() async throws {
        try await withData { data in
            try FileSystem.makeDirectories(data.root)
            let pipe = try Pipe(data.root.appending("pipe"))
            _ = try await store.create(.shell("echo $$ > \(pipe.path); exec sleep 1000"))
            let worker = Worker(
                store: store, data: data, executor: CommandExecutor(), configuration: .toy(poll: .milliseconds(10)))
            async let run: Void = worker.run()
            let process = try await pipe.read()
            try await store.stop("toy", because: "enough")
            try await run
            #expect(try !isAlive(process))
            #expect(try data.attempts(of: "toy").names() == [])
            #expect(try await store.interval(first, of: "toy").state == .waiting)
        }
    }

    @Test func `stops training when its lease is lost, and goes on with what it gets then`() async throws {
        try await withData { data in
            let name = WorkerName.current()
            _ = try await store.create(.shell("true", retries: 1))
            let begun = Signal()
            let executor = ClosureExecutor { [done] attempt in
                guard attempt.assignment.lease.attempt == 1 else { return done }
                begun.send()
                await Signal().wait()
                return Task.isCancelled ? .interrupted(reason: "cancelled") : .failed(reason: "it should wait")
            }
            let worker = Worker(
                store: store, data: data, executor: executor, configuration: .toy(term: .milliseconds(30)), name: name)
            async let run: Void = worker.run()
            await begun.wait()
            #expect(try await store.abandon(worker: name.description, of: "toy", because: "a test") == [first])
            try await run
            let interval = try await store.interval(first, of: "toy")
            #expect(interval.state == .done)
            #expect(interval.attempts == 2)
            #expect(interval.checkpoint == "m0000-i0000-a2")
            #expect(try data.directory(of: "toy").appending("checkpoints").names() == ["m0000-i0000-a2"])
        }
    }

    @Test func `deletes what it published when it turns out that the lease was lost`() async throws {
        try await withData { data in
            let name = WorkerName.current()
            _ = try await store.create(.shell("true", retries: 1))
            let executor = ClosureExecutor { [store, done] attempt in
                if attempt.assignment.lease.attempt == 1 {
                    do {
                        _ = try await store.abandon(worker: name.description, of: "toy", because: "a test")
                    } catch {
                        return .failed(reason: "\(error)")
                    }
                }
                return done
            }
            try await Worker(store: store, data: data, executor: executor, configuration: .toy(), name: name).run()
            #expect(try await store.interval(first, of: "toy").checkpoint == "m0000-i0000-a2")
            #expect(try data.directory(of: "toy").appending("checkpoints").names() == ["m0000-i0000-a2"])
        }
    }

    @Test func `finishes what it trains when it is shut down gracefully, and claims nothing new`() async throws {
        try await withData { data in
            _ = try await store.create(.shell("true", population: 3, intervals: 2))
            let begun = Signal()
            let goOn = Signal()
            let executor = ClosureExecutor { [done] _ in
                begun.send()
                await goOn.wait()
                return done
            }
            let worker = Worker(store: store, data: data, executor: executor, configuration: .toy())
            try await testGracefulShutdown { trigger in
                async let run: Void = worker.run()
                await begun.wait()
                trigger.triggerGracefulShutdown()
                goOn.send()
                try await run
            }
            let record = try await store.record(of: "toy")
            #expect(record.counts[.done] == 1)
            #expect(record.counts[.running] == 0)
            #expect(record.state == .running)
        }
    }

    @Test func `is woken by a graceful shutdown while it waits for work`() async throws {
        try await withData { data in
            _ = try await store.create(.shell("true"))
            try await store.pause("toy")
            let worker = Worker(
                store: store, data: data, executor: ClosureExecutor { [done] _ in done }, configuration: .toy())
            try await testGracefulShutdown { trigger in
                async let run: Void = worker.run()
                trigger.triggerGracefulShutdown()
                try await run
            }
            #expect(try await store.record(of: "toy").counts[.waiting] == 1)
        }
    }

    @Test func `gives back what it trains when it is cancelled, and counts no failure`() async throws {
        try await withData { data in
            try FileSystem.makeDirectories(data.root)
            let pipe = try Pipe(data.root.appending("pipe"))
            _ = try await store.create(.shell("echo $$ > \(pipe.path); exec sleep 1000"))
            let worker = Worker(store: store, data: data, executor: CommandExecutor(), configuration: .toy())
            let task = Task { try await worker.run() }
            let process = try await pipe.read()
            task.cancel()
            try await task.value
            #expect(try !isAlive(process))
            let interval = try await store.interval(first, of: "toy")
            #expect(interval.state == .waiting)
            #expect(interval.failures == 0)
            #expect(interval.attempts == 1)
            #expect(try data.attempts(of: "toy").names() == [])
            #expect(try await store.events(of: "toy", after: nil, limit: 10).last?.kind == .released)
        }
    }

    @Test func `takes over at once what a dead worker of this machine had, and kills its trainer`() async throws {
        try await withData { data in
            let ended = try await withProcess(["/bin/sh", "-c", "exit 0"]) { process in
                await process.ended.wait()
                return process.number
            }
            _ = try await store.create(.shell("true", retries: 1))
            let dead = "\(ProcessIdentity.thisMachine)/\(ended)/1/x"
            guard case .assignment(let assignment) = try await store.claim(from: "toy", by: dead, for: .seconds(3600))
            else {
                Issue.record("there was an interval to claim")
                return
            }
            let attempt = try data.begin(assignment, slot: 0)
            // The store's clock stands still, so the lease does not run out.
            try await withProcess(["/bin/sleep", "1000"]) { process in
                try Leftovers(of: attempt.scratch).record(group: process.number)
                try await Worker(
                    store: store, data: data, executor: ClosureExecutor { [done] _ in done }, configuration: .toy()
                ).run()
                #expect(await process.isKilled())
            }
            let interval = try await store.interval(first, of: "toy")
            #expect(interval.state == .done)
            #expect(interval.attempts == 2)
            #expect(interval.failures == 1)
        }
    }

    @Test func `leaves what a live worker has alone`() async throws {
        try await withData { data in
            _ = try await store.create(.shell("true", retries: 0))
            _ = try await store.claim(from: "toy", by: WorkerName.current().description, for: .seconds(3600))
            let worker = Worker(
                store: store, data: data, executor: ClosureExecutor { [done] _ in done }, configuration: .toy())
            let tracker = ExperimentTracker()
            try await worker.refresh(tracker)
            #expect(try await worker.sweep(tracker) == false)
            #expect(try await store.interval(first, of: "toy").state == .running)
        }
    }

    @Test func `returns when a queue filled by hand is empty, if asked to`() async throws {
        try await withData { data in
            var experiment = Experiment.shell("true", population: 0, intervals: 2)
            experiment.kind = .manual
            _ = try await store.create(experiment)
            _ = try await store.push(["rate": 0.5], to: "toy")
            _ = try await store.push(["rate": 0.25], to: "toy")
            try await Worker(
                store: store, data: data, executor: ClosureExecutor { [done] _ in done },
                configuration: .toy(slots: 2, end: .whenIdle)
            ).run()
            let record = try await store.record(of: "toy")
            #expect(record.counts[.done] == 4)
            #expect(record.state == .running)
        }
    }

    @Test func `serves the experiment that is furthest behind first`() async throws {
        try await withData { data in
            _ = try await store.create(.shell("true", named: "long", intervals: 8))
            _ = try await store.create(.shell("true", named: "short", intervals: 4))
            let order = Mutex<[String]>([])
            let executor = ClosureExecutor { [done] attempt in
                order.withLock { $0.append(String(attempt.assignment.experiment.name.prefix(1))) }
                return done
            }
            try await Worker(
                store: store, data: data, executor: executor,
                configuration: WorkerConfiguration(experiments: .all, poll: .seconds(60))
            ).run()
            #expect(order.withLock { $0.joined() } == "lsllsllsllsl")
        }
    }

    @Test func `says which experiment is not there`() async throws {
        try await withData { data in
            let worker = Worker(
                store: store, data: data, executor: ClosureExecutor { [done] _ in done }, configuration: .toy())
            let error = await #expect(throws: PBTError.self) { try await worker.run() }
            #expect(error?.code == .noSuchExperiment)
        }
    }

    @Test func `shares one store with another worker, and nothing is trained twice`() async throws {
        try await withData { data in
            try FileSystem.makeDirectories(data.root)
            let path = data.root.appending("pbt.sqlite").string
            let experiment = Experiment.shell("true", population: 8, intervals: 20)
            let stores = [try SQLiteStore(path: path), try SQLiteStore(path: path)]
            _ = try await stores[0].create(experiment)
            let trained = Mutex<[IntervalID: Int]>([:])
            let executor = ClosureExecutor { attempt in
                let id = attempt.assignment.interval.id
                trained.withLock { $0[id, default: 0] += 1 }
                return .trained(score: Double(id.member), metrics: ["score": .integer(id.member)])
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for store in stores {
                    group.addTask {
                        try await Worker(
                            store: store, data: data, executor: executor, configuration: .toy(slots: 2)
                        ).run()
                    }
                }
                try await group.waitForAll()
            }
            #expect(trained.withLock { $0.count } == 160)
            #expect(trained.withLock { $0.values.allSatisfy { $0 == 1 } })
            try await expectComplete(experiment, stores[1], data)
        }
    }
}
