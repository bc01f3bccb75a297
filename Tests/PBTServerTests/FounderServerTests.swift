// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTCheckpoints
import PBTClient
import PBTTesting
import PBTWorker
import SystemPackage
import Testing

@testable import PBTServer

@Suite(.timeLimit(.minutes(10))) struct `Founders that continue a checkpoint, over HTTP` {
    private static func trained(_ store: some Store, _ data: DataDirectory) async throws -> Experiment {
        let experiment = Experiment.small()
        _ = try await store.create(experiment)
        try await Worker(
            store: store, checkpoints: data, executor: TrainerExecutor(FileTrainer()),
            configuration: WorkerConfiguration(experiments: .named(["small"]), slots: 2)
        ).run()
        return experiment
    }

    @Test func `the best of another experiment are continued by a worker that does not see the directory`() async throws
    {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let data = DataDirectory(root.appending("data"))
            let store = InMemoryStore()
            let old = try await Self.trained(store, data)
            try await withServers { servers in
                let remote = try RemoteStore(try await servers.start(store, data: data).address)
                var heirs = old
                heirs.name = "heirs"
                heirs.intervals = 1
                heirs.founderCheckpoints = FounderCheckpoints(from: "small")
                let created = try await remote.create(heirs).experiment
                #expect(created.founderCheckpoints.isCopied)
                try await Worker(
                    store: remote, checkpoints: RemoteCheckpoints(remote, cache: root.appending("cache")),
                    executor: TrainerExecutor(FileTrainer()),
                    configuration: WorkerConfiguration(experiments: .named(["heirs"]), slots: 2)
                ).run()
                let record = try await store.record(of: "small")
                let best = try await store.interval(try #require(record.best), of: "small")
                let founders = try await store.intervals(of: "heirs")
                #expect(founders.allSatisfy { $0.state == .done && $0.failures == 0 })
                #expect(founders[0].hyperparameters == best.hyperparameters)
                for founder in founders where founder.checkpointState == .kept {
                    let checkpoint = data.checkpoint(try #require(founder.checkpoint), of: "heirs")
                    #expect(try Int(read(checkpoint.appending("count"))) == best.depth + 1)
                }
                #expect(try Audit(experiment: created, intervals: founders).mismatches == [])
            }
        }
    }

    @Test func `a client can neither have a path of the server read, nor name a copy`() async throws {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let data = DataDirectory(root.appending("data"))
            let store = InMemoryStore()
            let old = try await Self.trained(store, data)
            try await withServers { servers in
                let remote = try RemoteStore(try await servers.start(store, data: data).address)
                let secret = FounderCheckpoint(.directory(root.appending("data").string))
                let forged = FounderCheckpoint(
                    .directory("/etc"), copy: CheckpointName(IntervalID(member: 0, index: 0), attempt: 0))
                let missing = FounderCheckpoint(
                    .checkpoint(CheckpointName(IntervalID(member: 9, index: 9), attempt: 9), of: "small"))
                for (checkpoint, code) in [
                    (secret, PBTError.Code.badExperiment), (forged, .badExperiment), (missing, .noSuchCheckpoint),
                ] {
                    var thief = old
                    thief.name = "thief"
                    thief.founderCheckpoints = FounderCheckpoints(shared: checkpoint)
                    let error = await #expect(throws: PBTError.self) { _ = try await remote.create(thief) }
                    #expect(error?.code == code, "\(String(describing: error))")
                    thief.name = "small"
                    await #expect(throws: PBTError.self) { _ = try await remote.revise(thief) }
                }
                #expect(try await store.experiments().map(\.experiment.name) == ["small"])
                #expect(try await store.record(of: "small").experiment == old)
            }
        }
    }

    @Test func `a store refuses a definition whose founders' checkpoints were not copied`() async throws {
        var experiment = Experiment.small()
        experiment.founderCheckpoints = FounderCheckpoints(shared: FounderCheckpoint(.directory("/tmp/x")))
        let store = InMemoryStore()
        let error = await #expect(throws: PBTError.self) { _ = try await store.create(experiment) }
        #expect(error?.code == .badExperiment)
        #expect(error?.message.contains("was not copied") == true)
    }
}
