// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTCheckpoints
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTWorker

@Suite(.timeLimit(.minutes(10))) struct `Leftovers of a killed worker` {
    let experiment = Experiment.shell("true")

    @Test func `are found by the group that was noted`() async throws {
        try await withData { data in
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            try await withProcess(["/bin/sleep", "1000"]) { process in
                // Foundation starts programs in groups of their own.
                try Leftovers(of: attempt.scratch).record(group: process.number)
                #expect(try Leftovers(of: attempt.scratch).kill() == 1)
                #expect(await process.isKilled())
            }
        }
    }

    #if os(Linux)
        @Test func `are found by their environment when nothing was noted`() async throws {
            try await withData { data in
                let attempt = try data.begin(experiment.assignment(), slot: 0)
                let environment = ["PBT_CHECKPOINT_OUT": attempt.checkpoint.string]
                try await withProcess(["/bin/sleep", "1000"], environment: environment) { process in
                    try data.killLeftovers(of: IntervalID(member: 0, index: 0), attempts: 1, of: "toy")
                    #expect(await process.isKilled())
                    #expect(try !attempt.scratch.isThere)
                }
            }
        }

        @Test func `are killed by the worker that trains the interval again`() async throws {
            try await withData { data in
                let clock = ManualClock()
                let store = InMemoryStore(clock: clock.store)
                _ = try await store.create(.shell("true", retries: 1))
                guard case .assignment(let first) = try await store.claim(from: "toy", by: "lost", for: .seconds(60))
                else {
                    Issue.record("there was an interval to claim")
                    return
                }
                let attempt = try data.begin(first, slot: 0)
                let environment = ["PBT_CHECKPOINT_OUT": attempt.checkpoint.string]
                try await withProcess(["/bin/sleep", "1000"], environment: environment) { process in
                    clock.advance(by: .seconds(61))
                    let executor = ClosureExecutor { _ in .trained(score: 1, metrics: ["score": 1]) }
                    try await Worker(store: store, data: data, executor: executor, configuration: .toy()).run()
                    #expect(await process.isKilled())
                    #expect(try !attempt.scratch.isThere)
                }
                #expect(try await store.interval(first.interval.id, of: "toy").attempts == 2)
            }
        }
    #endif

    @Test func `are not taken for a process that got the number later, or runs elsewhere`() async throws {
        try await withData { data in
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            try await withProcess(["/bin/sleep", "1000"]) { process in
                let number = process.number
                let start = try #require(ProcessIdentity.startTime(of: number))
                let machine = ProcessIdentity.thisMachine
                for text in ["\(number) \(start + 1) \(machine)", "\(number) \(start) elsewhere", "x", "1 2", ""] {
                    try attempt.scratch.appending("process").write(text)
                    #expect(try Leftovers(of: attempt.scratch).kill() == 0)
                }
                #expect(process.process.isRunning)
            }
        }
    }

    @Test func `have a worker's name that tells whether its process is over`() async throws {
        let current = WorkerName.current()
        #expect(WorkerName(current.description) == current)
        #expect(!current.isKnownDead)
        let ended = try await withProcess(["/bin/sh", "-c", "exit 0"]) { process in
            await process.ended.wait()
            return process.number
        }
        let machine = ProcessIdentity.thisMachine
        #expect(WorkerName("\(machine)/\(ended)/1/x")?.isKnownDead == true)
        #expect(WorkerName("elsewhere/\(ended)/1/x")?.isKnownDead == false)
        #expect(WorkerName("somebody") == nil)
        #expect(WorkerName("a/b/c/d") == nil)
    }
}
