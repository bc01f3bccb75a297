// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints
@testable import PBTWorker

@Suite(.timeLimit(.minutes(10))) struct `A whole run` {
    @Test func `by command finishes every interval once and keeps the needed checkpoints only`() async throws {
        try await withData { data in
            try FileSystem.makeDirectories(data.root)
            let store = try SQLiteStore(path: data.root.appending("pbt.sqlite").string)
            let experiment = Experiment.shell(countingScript, population: 4, intervals: 5)
            _ = try await store.create(experiment)
            try await Worker(
                store: store, data: data, executor: CommandExecutor(),
                configuration: WorkerConfiguration(experiments: .named(["toy"]), slots: 2)
            ).run()
            try await expectComplete(experiment, store, data)
            let best = try #require(try await store.record(of: "toy").best)
            #expect(best.index == 4)
        }
    }
}

/// Expects that an experiment finished with all its intervals done, and that its files are those that are kept.
func expectComplete(_ experiment: Experiment, _ store: some Store, _ data: DataDirectory) async throws {
    let record = try await store.record(of: experiment.name)
    #expect(record.state == .finished, "\(record.reason ?? "")")
    #expect(record.counts[.done] == experiment.population * experiment.intervals)
    let intervals = try await store.intervals(of: experiment.name)
    #expect(intervals.compactMap(\.reason) == [])
    let kept = intervals.filter { $0.checkpointState == .kept }.compactMap(\.checkpoint).sorted()
    let directory = data.directory(of: experiment.name)
    #expect(try directory.appending("checkpoints").names() == kept)
    #expect(try directory.appending("attempts").names() == [])
    #expect(try await store.garbage(of: experiment.name) == [])
    #expect(try await data.orphans(of: experiment.name, in: store) == [])
    #expect(!kept.isEmpty)
}
