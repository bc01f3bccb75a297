// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Logging
import PBT
import PBTAPI
import PBTSQLite
import PBTTesting
@testable import PBTCheckpoints
import SystemPackage
import Testing

@testable import PBTClient
@testable import PBTServer

/// What a client that may train intervals could do to checkpoints.
@Suite(.timeLimit(.minutes(10))) struct `Checkpoints on a server` {
    private static let badNames = [
        "", "/", ".", "..", "../../../victim", "/etc", "a\u{0}b", "\u{0}", "m9999-i0000-a1", "m0000-i0000-a2",
        "m0000-i0000-a1/../..", String(repeating: "a", count: 5000),
    ]

    private func finish(_ scene: Scene, _ name: String) async throws -> (status: Int, text: String) {
        let body: Value = [
            "lease": scene.assignment.lease.api, "score": 1, "metrics": ["score": 1],
            "checkpoint": .string(name),
        ]
        return try await scene.send("POST", "intervals/0/0/finish", body.json)
    }

    @Test(arguments: badNames)
    func `cannot be named in finish but by their attempt`(_ name: String) async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(10)
            _ = try await checkpoints.publish(attempt)
            let answer = try await finish(scene, name)
            #expect(answer.status == 422, "\(answer)")
            #expect(answer.text.contains("badValue") && answer.text.contains("m0000-i0000-a1"), "\(answer)")
            #expect(try await scene.store.interval(scene.assignment.interval.id, of: "small").state == .running)
            #expect(try await finish(scene, scene.attempt).status == 200)
            #expect(try names(scene.data.checkpoints(of: "small")) == [scene.attempt])
        }
    }

    @Test func `must be published before finish; a finish that is repeated is answered also when they are deleted`()
        async throws
    {
        try await Scene.with { scene in
            let refused = try await finish(scene, scene.attempt)
            #expect(refused.status == 422)
            #expect(refused.text.contains("publish it before finish"))
            let (checkpoints, attempt) = try await scene.saved(10)
            _ = try await checkpoints.publish(attempt)
            #expect(try await finish(scene, scene.attempt).status == 200)
            try scene.data.delete([scene.attempt], of: "small")
            #expect(try await finish(scene, scene.attempt).status == 200)
        }
    }

    @Test func `of bad names in an older store delete nothing, and keep nobody's garbage from being deleted`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let data = DataDirectory(root.appending("data"))
            let store = InMemoryStore()
            let victim = data.root.appending("victim")
            try FileSystem.makeDirectories(victim)
            try write("1", to: victim.appending("precious"))
            for name in ["a", "b"] {
                _ = try await store.create(.sample(name, population: 1, intervals: 4))
                // The second is better: of the first nothing needs the checkpoint.
                for score in [1.0, 2] {
                    guard
                        case .assignment(let assignment) = try await store.claim(from: name, by: "w", for: .seconds(60))
                    else { throw PBTError(.inconsistent, "nothing to claim") }
                    var plain = assignment
                    plain.parentCheckpoint = nil
                    let published = try data.publish(try data.begin(plain, slot: 0))
                    _ = try await store.finish(
                        assignment.lease,
                        .trained(score: score, metrics: ["score": .number(score)], checkpoint: published))
                }
            }
            // As a version wrote it that took any name.
            let bad = ["../../victim", "", "..", "\u{0}"]
            try await store.poison("a", IntervalID(member: 0, index: 0), .garbage, "../../victim")
            let sweep = GarbageSweep(
                exchange: CheckpointExchange(data: data, store: store), logger: Logger(label: "test"))
            for name in bad {
                try await store.poison("a", IntervalID(member: 0, index: 0), .garbage, name)
                try await sweep.sweep("a")
                #expect(try await store.garbage(of: "a") == [])
            }
            try await sweep.sweep("b")
            #expect(try await store.garbage(of: "b") == [])
            #expect(try names(data.checkpoints(of: "a")).contains("m0000-i0001-a1"))
            #expect(try names(data.checkpoints(of: "b")) == ["m0000-i0001-a1"])
            #expect(try names(victim) == ["precious"])
        }
    }

    @Test func `of bad names are not handed out: what would continue them fails, and says so`() async throws {
        let store = InMemoryStore()
        _ = try await store.create(.sample(population: 1, intervals: 3))
        guard case .assignment(let assignment) = try await store.claim(from: "toy", by: "w", for: .seconds(60)) else {
            throw PBTError(.inconsistent, "nothing to claim")
        }
        _ = try await store.finish(
            assignment.lease,
            .trained(score: 99, metrics: ["score": 99], checkpoint: "\(assignment.lease.checkpointName)"))
        try await store.poison("toy", assignment.interval.id, .kept, "../../../victim")
        while case .assignment(let next) = try await store.claim(from: "toy", by: "w", for: .seconds(60)) {
            #expect(next.parentCheckpoint == nil)
            _ = try await store.finish(
                next.lease, .trained(score: 1, metrics: ["score": 1], checkpoint: "\(next.lease.checkpointName)"))
        }
        let record = try await store.record(of: "toy")
        #expect(record.state.isOver)
        let failed = try await store.interval(IntervalID(member: 0, index: 1), of: "toy")
        #expect(failed.state == .failed)
        #expect(failed.reason?.contains("\"../../../victim\"") == true)
        #expect(
            try Audit(experiment: record.experiment, intervals: try await store.intervals(of: "toy")).mismatches == [])
    }

    @Test func `whose names are equal after Unicode normalization are refused, and both are named`() async throws {
        try await Scene.with { scene in
            let (composed, decomposed) = ("caf%C3%A9", "cafe%CC%81")
            #expect(try await scene.send("PUT", "uploads/\(scene.attempt)/\(composed)", "1").status == 204)
            let refused = try await scene.send("PUT", "uploads/\(scene.attempt)/\(decomposed)", "2")
            #expect(refused.status == 422)
            #expect(refused.text.contains("U+E9") && refused.text.contains("U+301"), "\(refused)")
            #expect(try await scene.send("PUT", "uploads/\(scene.attempt)/\(composed)", "1").status == 204)

            let (checkpoints, attempt) = try await scene.saved(10)
            try write("1", to: attempt.checkpoint.appending("e\u{301}"))
            try write("2", to: attempt.checkpoint.appending("\u{e9}"))
            let error = await #expect(throws: PBTError.self) { try await checkpoints.publish(attempt) }
            #expect(error?.code == .badValue)
            #expect(error?.message.contains("equal after Unicode normalization") == true)
            #expect(try names(scene.data.checkpoints(of: "small")) == [])
        }
    }

    @Test func `hold nothing that was sent and is not listed, also when a listed name is equal to it`() async throws {
        try await withTemporaryDirectory { directory in
            let data = DataDirectory(FilePath(directory))
            let root = data.uploads(of: "e").appending("m0000-i0000-a1")
            try FileSystem.makeDirectories(root)
            for name in ["e\u{301}", "\u{e9}"] { try write(name, to: root.appending(name)) }
            let sum = try Checksum.of(OpenFile(reading: TransferPath("\u{e9}"), below: root))
            let manifest = Manifest(
                files: [
                    .init(path: try TransferPath("\u{e9}"), size: sum.size, sha256: sum.sha256, isExecutable: false)
                ],
                directories: [])
            try Staged(root: root, manifest: manifest, maximum: 10).publish(as: "m0000-i0000-a1", of: "e", in: data)
            let published = try names(data.checkpoint("m0000-i0000-a1", of: "e"))
            #expect(published.map { Array($0.utf8) } == [Array("\u{e9}".utf8)])
        }
    }

    @Test func `carry links that lead inside them as copies`() async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(10)
            try symlink(attempt.checkpoint.appending("big").string, at: attempt.checkpoint.appending("last"))
            _ = try await checkpoints.publish(attempt)
            let published = scene.data.checkpoint(scene.attempt, of: "small")
            #expect(try names(published) == ["big", "last", "publish"])
            #expect(try read(published.appending("last")) == "0123456789")
            // The other way: a worker on the server's machine saves a link.
            try FileTree.remove(published.appending("last"))
            try symlink("big", at: published.appending("last"))
            try FileTree.remove(scene.data.manifests(of: "small"))
            let other = try scene.remote("other")
            var next = scene.assignment
            next.parentCheckpoint = scene.attempt
            let copy = try #require(try await other.begin(next, slot: 0).parentCheckpoint)
            #expect(try read(copy.appending("last")) == "0123456789")
        }
    }

    @Test func `that changed in a worker's cache are fetched again`() async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(10)
            _ = try await checkpoints.publish(attempt)
            let copy = checkpoints.data.checkpoint(scene.attempt, of: "small").appending("big")
            try overwrite("other", at: copy)
            var next = scene.assignment
            next.parentCheckpoint = scene.attempt
            next.lease.interval.index = 1
            let parent = try #require(try await checkpoints.begin(next, slot: 0).parentCheckpoint)
            #expect(try read(parent.appending("big")) == "0123456789")
        }
    }

    @Test func `of an experiment that was removed are not taken from a worker's cache for those of a new one`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let data = DataDirectory(root.appending("data"))
            let store = InMemoryStore()
            try await withServers { servers in
                let server = try await servers.start(store, data: data)
                let remote = RemoteCheckpoints(
                    try RemoteStore(ServerAddress("http://127.0.0.1:\(server.port)")), cache: root.appending("cache"))
                for text in ["first", "other"] {
                    _ = try await store.create(.small())
                    guard
                        case .assignment(var assignment) = try await store.claim(
                            from: "small", by: "w", for: .seconds(600))
                    else { throw PBTError(.inconsistent, "nothing to claim") }
                    let attempt = try data.begin(assignment, slot: 0)
                    try write(text, to: attempt.checkpoint.appending("w"))
                    assignment.parentCheckpoint = try data.publish(attempt)
                    assignment.lease.interval.index = 1
                    let parent = try #require(try await remote.begin(assignment, slot: 0).parentCheckpoint)
                    #expect(try read(parent.appending("w")) == text)
                    try await store.stop("small", because: "a test")
                    try await store.remove("small")
                    try data.remove("small")
                }
            }
        }
    }

    @Test func `of a new experiment of an old name are served with their own manifest`() async throws {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let data = DataDirectory(root.appending("data"))
            let store = InMemoryStore()
            try await withServers { servers in
                let server = try await servers.start(store, data: data)
                for text in ["first", "second-one"] {
                    _ = try await store.create(.small())
                    guard
                        case .assignment(let assignment) = try await store.claim(
                            from: "small", by: "w", for: .seconds(600))
                    else { throw PBTError(.inconsistent, "nothing to claim") }
                    let attempt = try data.begin(assignment, slot: 0)
                    try write(text, to: attempt.checkpoint.appending("w"))
                    let name = try data.publish(attempt)
                    let scene = Scene(store: store, data: data, root: root, server: server, assignment: assignment)
                    let manifest = try Value(json: Array(try await scene.send("GET", "checkpoints/\(name)").text.utf8))
                    #expect(manifest["files"]?.array?.first?["size"]?.int == text.utf8.count)
                    // On the server's machine, without asking the server.
                    try await store.stop("small", because: "a test")
                    try await store.remove("small")
                    try data.remove("small")
                }
            }
        }
    }
}

extension InMemoryStore {
    /// Writes a checkpoint's name into a row, as another program might.
    func poison(
        _ experiment: String, _ id: IntervalID, _ state: Interval.CheckpointState, _ name: String
    ) async throws {
        try await write(durable: false) { ledger in
            guard let record = ledger.record(named: experiment), var interval = ledger.interval(id, in: record) else {
                throw PBTError(.noSuchInterval, "there is no \(id)")
            }
            if interval.checkpointState == .deleted {
                interval.checkpointState = .kept
                ledger.update(interval, in: record)
            }
            interval.checkpoint = name
            interval.checkpointState = state
            ledger.update(interval, in: record)
        }
    }
}
