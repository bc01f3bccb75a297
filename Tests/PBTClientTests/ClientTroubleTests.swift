// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTCheckpoints
import PBTClient
import PBTSQLite
import PBTServer
import PBTTesting
import PBTWorker
import Synchronization
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(10))) struct `When the network or the server fails` {
    /// Expects that an experiment was trained exactly once.
    private func expectExact(_ experiment: Experiment, in store: some Store) async throws {
        let record = try await store.record(of: experiment.name)
        #expect(record.state == .finished, "\(record.reason ?? "")")
        #expect(record.counts[.done] == experiment.population * experiment.intervals)
        let intervals = try await store.intervals(of: experiment.name)
        #expect(intervals.compactMap(\.reason) == [])
        #expect(intervals.allSatisfy { $0.attempts == 1 && $0.failures == 0 })
        #expect(try Audit(experiment: experiment, intervals: intervals).mismatches == [])
        let events = try await store.events(of: experiment.name, after: nil, limit: 10_000)
        #expect(events.count { $0.kind == .started } == intervals.count)
        #expect(events.count { $0.kind == .done } == intervals.count)
    }

    private func worker(_ store: RemoteStore, _ cache: String, _ trainer: some Trainer = FileTrainer()) -> Worker {
        Worker(
            store: store, checkpoints: RemoteCheckpoints(store, cache: FilePath(cache)),
            executor: TrainerExecutor(trainer),
            configuration: WorkerConfiguration(experiments: .named(["small"]), slots: 2, poll: .milliseconds(500)))
    }

    @Test(arguments: [0.1, 0.4])
    func `answers that get lost after the work was done change nothing`(_ share: Double) async throws {
        try await withTemporaryDirectory { directory in
            let store = InMemoryStore()
            let experiment = Experiment.small()
            try await withServers { servers in
                let server = try await servers.start(
                    store, data: DataDirectory(FilePath("\(directory)/data")))
                try await Proxy.with(Proxy.Faults(loss: share), to: server.port) { proxy in
                    let remote = try RemoteStore(ServerAddress("http://127.0.0.1:\(proxy.port)"))
                    _ = try await remote.create(experiment)
                    try await worker(remote, "\(directory)/cache").run()
                    #expect(proxy.traffic.answers > 100)
                    #expect(proxy.traffic.broken > 3)
                }
            }
            try await expectExact(experiment, in: store)
        }
    }

    @Test func `a claim whose answer was lost is had by the next one`() async throws {
        try await withServers { servers in
            let store = InMemoryStore()
            let experiment = Experiment.small(population: 2)
            _ = try await store.create(experiment)
            let server = try await servers.start(store)
            try await Proxy.with(Proxy.Faults(lostAnswer: 2), to: server.port) { proxy in
                let remote = try RemoteStore(
                    ServerAddress("http://127.0.0.1:\(proxy.port)"), ClientConfiguration(patience: .zero))
                _ = try await remote.lastEvent()
                let error = await #expect(throws: PBTError.self) {
                    try await remote.claim(from: "small", by: "w", for: .seconds(60))
                }
                #expect(error?.code == .unreachable)
                #expect(try await store.record(of: "small").counts[.running] == 1)
                let claim = try await remote.claim(from: "small", by: "w", for: .seconds(60))
                guard case .assignment(let assignment) = claim else {
                    Issue.record("nothing was claimed: \(claim)")
                    return
                }
                #expect(assignment.interval.id == IntervalID(member: 0, index: 0))
                #expect(try await store.record(of: "small").counts[.running] == 1)
            }
        }
    }

    @Test func `a release or a removal that is repeated is done`() async throws {
        try await withServers { servers in
            let store = InMemoryStore()
            _ = try await store.create(.small())
            let server = try await servers.start(store)
            let direct = try RemoteStore(server.address)
            guard
                case .assignment(let assignment) = try await direct.claim(
                    from: "small", by: "w", for: .seconds(60))
            else {
                Issue.record("nothing was claimed")
                return
            }
            // Of every two answers the first gets lost.
            try await Proxy.with(Proxy.Faults(lostAnswer: 2), to: server.port) { proxy in
                let remote = try RemoteStore(ServerAddress("http://127.0.0.1:\(proxy.port)"))
                _ = try await remote.lastEvent()
                try await remote.release(assignment.lease, because: "a test")
                _ = try await remote.lastEvent()
                try await remote.remove("small")
            }
            #expect(try await store.experiments() == [])
            await #expect(throws: PBTError.self) { try await direct.release(assignment.lease, because: "a test") }
        }
    }

    @Test func `a server that is killed in the middle and comes back has lost nothing`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/pbt.sqlite"
            let data = DataDirectory(FilePath("\(directory)/data"))
            let experiment = Experiment.small()
            _ = try await SQLiteStore(path: path).create(experiment)
            try await withServers { servers in
                let first = try await servers.start(try SQLiteStore(path: path), data: data)
                let (kills, killed) = AsyncStream<Void>.makeStream()
                let trainer = KillingTrainer(each: 6) {
                    try await servers.killAll()
                    killed.yield()
                }
                // Gives up at once, so that it is the worker that waits.
                let remote = try RemoteStore(
                    first.address, ClientConfiguration(patience: .zero, timeout: .seconds(5)))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        defer { killed.finish() }
                        try await worker(remote, "\(directory)/cache", trainer).run()
                    }
                    var restarts = 0
                    for await _ in kills {
                        _ = try await servers.start(try SQLiteStore(path: path), data: data, port: first.port)
                        restarts += 1
                    }
                    try await group.waitForAll()
                    #expect(restarts == 3)
                }
            }
            try await expectExact(experiment, in: SQLiteStore(path: path))
        }
    }

    @Test func `a worker that starts while the server is away says so`() async throws {
        try await withTemporaryDirectory { directory in
            let remote = try RemoteStore(
                ServerAddress("http://127.0.0.1:1"), ClientConfiguration(token: "pbt_secret", patience: .zero))
            let error = await #expect(throws: PBTError.self) { try await worker(remote, directory).run() }
            #expect(error?.code == .unreachable)
            #expect(
                error?.message
                    == "cannot reach the server http://127.0.0.1:1: connection refused; is it running, and is this its address?"
            )
        }
    }

    @Test func `live events go on after the last one when the server comes back`() async throws {
        let store = InMemoryStore()
        try await withServers { servers in
            let first = try await servers.start(store)
            _ = try await store.create(.small(population: 1))
            let remote = try RemoteStore(first.address)
            var kinds: [Event.Kind] = []
            for try await event in remote.liveEvents(of: "small") {
                kinds.append(event.kind)
                switch event.kind {
                case .created: try await store.pause("small")
                case .paused:
                    try await first.kill()
                    try await store.resume("small")
                    _ = try await servers.start(store, port: first.port)
                case .resumed: try await store.stop("small", because: "a test")
                default: break
                }
                if event.kind == .ended { break }
            }
            #expect(kinds == [.created, .paused, .resumed, .ended])
        }
    }
}

/// Kills the server while it trains, now and then.
private struct KillingTrainer: Trainer {
    private let inner = FileTrainer()
    private let each: Int
    private let kill: @Sendable () async throws -> Void
    private let calls = Calls()

    init(each: Int, _ kill: @escaping @Sendable () async throws -> Void) {
        self.each = each
        self.kill = kill
    }

    func start(_ context: TrainingContext) async throws -> Int { try await inner.start(context) }
    func restore(from checkpoint: FilePath, _ context: TrainingContext) async throws -> Int {
        try await inner.restore(from: checkpoint, context)
    }
    func train(_ model: inout Int, _ context: TrainingContext) async throws {
        try await inner.train(&model, context)
        if calls.next().isMultiple(of: each) { try await kill() }
    }
    func evaluate(_ model: Int, _ context: TrainingContext) async throws -> [String: Value] {
        try await inner.evaluate(model, context)
    }
    func save(_ model: Int, to directory: FilePath, _ context: TrainingContext) async throws {
        try await inner.save(model, to: directory, context)
    }
}

/// Counts from 1.
private final class Calls: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
