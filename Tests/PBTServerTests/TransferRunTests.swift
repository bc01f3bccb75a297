// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Logging
import PBT
import PBTCheckpoints
import PBTClient
import PBTTesting
import PBTWorker
import SystemPackage
import Testing

@testable import PBTServer

@Suite(.timeLimit(.minutes(10))) struct `Workers without a shared directory` {
    @Test(arguments: [false, true])
    func `train a whole experiment, and nothing is trained twice or left over`(_ isShared: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let data = DataDirectory(root.appending("data"))
            let store = InMemoryStore()
            let experiment = Experiment.small()
            try await withServers { servers in
                let address = try await servers.start(store, data: data).address
                let remote = try RemoteStore(address)
                _ = try await remote.create(experiment)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for machine in ["a", "b"] {
                        group.addTask {
                            let store = try RemoteStore(address)
                            let checkpoints: any Checkpoints =
                                isShared
                                ? try await store.checkpoints(cache: root.appending(machine))
                                : RemoteCheckpoints(store, cache: root.appending(machine))
                            #expect(checkpoints.collectsGarbage == isShared)
                            try await Worker(
                                store: store, checkpoints: checkpoints, executor: TrainerExecutor(FileTrainer()),
                                configuration: WorkerConfiguration(experiments: .named(["small"]), slots: 2)
                            ).run()
                        }
                    }
                    try await group.waitForAll()
                }
                let record = try await store.record(of: "small")
                #expect(record.state == .finished)
                #expect(record.counts[.done] == 20)
                let intervals = try await store.intervals(of: "small")
                #expect(intervals.allSatisfy { $0.attempts == 1 && $0.failures == 0 })
                #expect(try Audit(experiment: experiment, intervals: intervals).mismatches == [])
                // The server does so by itself, a little later.
                try await GarbageSweep(
                    exchange: CheckpointExchange(data: data, store: store), logger: Logger(label: "test")
                ).sweep("small")
                let kept = intervals.filter { $0.checkpointState == .kept }.compactMap(\.checkpoint).sorted()
                #expect(try names(data.directory(of: "small").appending("checkpoints")) == kept)
                #expect(try names(data.uploads(of: "small")) == [])
                #expect(try await store.garbage(of: "small") == [])
                // A lineage's checkpoint counts its intervals, wherever they were trained.
                for interval in intervals where interval.checkpointState == .kept {
                    let checkpoint = data.checkpoint(try #require(interval.checkpoint), of: "small")
                    #expect(try Int(read(checkpoint.appending("count"))) == interval.depth)
                    #expect(try names(checkpoint) == ["bin", "count", "empty", "wei ghts#1%"])
                }
            }
        }
    }
}
