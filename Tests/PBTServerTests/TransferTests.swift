// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI
import PBTCheckpoints
import PBTTesting
import SystemPackage
import Testing

@testable import PBTClient
@testable import PBTServer

/// A server with one experiment whose first interval is leased.
struct Scene: Sendable {
    let store: InMemoryStore
    let data: DataDirectory
    let root: FilePath
    let server: RunningServer
    let assignment: Assignment

    /// The name of the leased attempt.
    let attempt = "m0000-i0000-a1"

    static func with(_ body: (Scene) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let store = InMemoryStore()
            let data = DataDirectory(root.appending("data"))
            _ = try await store.create(.small())
            guard case .assignment(let assignment) = try await store.claim(from: "small", by: "w", for: .seconds(600))
            else { throw PBTError(.inconsistent, "nothing to claim") }
            try await withServers { servers in
                let server = try await servers.start(store, data: data)
                try await body(
                    Scene(store: store, data: data, root: root, server: server, assignment: assignment))
            }
        }
    }

    /// Makes a checkpoint of the leased interval as a worker would save it, on a machine of its own.
    func saved(_ bytes: Int, on machine: String = "machine") async throws -> (RemoteCheckpoints, Attempt) {
        let checkpoints = try remote(machine)
        let attempt = try await checkpoints.begin(assignment, slot: 0)
        try write(String(repeating: "0123456789", count: bytes / 10), to: attempt.checkpoint.appending("big"))
        try write("", to: attempt.checkpoint.appending("publish"))
        return (checkpoints, attempt)
    }

    func remote(_ machine: String, port: Int? = nil, limit: Int64 = 1 << 30) throws -> RemoteCheckpoints {
        RemoteCheckpoints(
            try RemoteStore(ServerAddress("http://127.0.0.1:\(port ?? server.port)")), cache: root.appending(machine),
            limit: limit)
    }

    /// Sends a request as it is.
    func send(_ method: String, _ path: String, _ body: String = "") async throws -> (status: Int, text: String) {
        var request = HTTPClientRequest(url: "\(server.address)/api/v1/experiments/small/\(path)")
        request.method = .RAW(value: method)
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        return (
            Int(response.status.code),
            String(buffer: try await response.body.collect(upTo: 1 << 20))
        )
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A checkpoint on its way` {
    @Test func `goes on where the connection broke, in both directions`() async throws {
        try await Scene.with { scene in
            let size = 6_000_000
            let saved = try await scene.saved(size).1
            // Each connection carries about a quarter of it.
            try await Proxy.with(.init(mostUp: 1_500_000, mostDown: 1_500_000), to: scene.server.port) { proxy in
                #expect(try await scene.remote("machine", port: proxy.port).publish(saved) == scene.attempt)
                #expect(proxy.traffic.broken >= 3)
                #expect(proxy.traffic.up < 2 * size, "\(proxy.traffic)")
                let before = proxy.traffic
                _ = try await scene.store.finish(
                    scene.assignment.lease,
                    .trained(score: 1, metrics: ["score": 1], checkpoint: scene.attempt))
                let other = try scene.remote("other", port: proxy.port)
                var next = scene.assignment
                next.parentCheckpoint = scene.attempt
                next.lease.interval.index = 1
                let attempt = try await other.begin(next, slot: 0)
                let copy = try #require(attempt.parentCheckpoint)
                #expect(try Manifest(of: copy) == Manifest(of: scene.data.checkpoint(scene.attempt, of: "small")))
                #expect(proxy.traffic.broken > before.broken)
                #expect(proxy.traffic.down - before.down < 2 * size, "\(proxy.traffic)")
            }
        }
    }

    @Test func `arrives over connections that carry a fortieth of it each, as long as it goes on`() async throws {
        try await Scene.with { scene in
            let saved = try await scene.saved(6_000_000).1
            // Many more breaks than there is patience for, did it not begin anew with each that brought something.
            let broken = try await Proxy.with(.init(mostUp: 150_000), to: scene.server.port) { proxy in
                _ = try await scene.remote("machine", port: proxy.port).publish(saved)
                return proxy.traffic.broken
            }
            #expect(broken >= 20)
            #expect(try names(scene.data.checkpoint(scene.attempt, of: "small")) == ["big", "publish"])
        }
    }

    @Test func `is published whole, with empty files, and once`() async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(100)
            let manifest = try Manifest(of: attempt.checkpoint)
            #expect(try await checkpoints.publish(attempt) == scene.attempt)
            let published = scene.data.checkpoint(scene.attempt, of: "small")
            #expect(try names(published) == ["big", "publish"])
            #expect(try names(scene.data.uploads(of: "small")) == [])
            var body = manifest.api
            body["lease"] = scene.assignment.lease.api
            // The answer got lost, and the request comes again.
            let again = try await scene.send(
                "POST", "uploads/\(scene.attempt)/publish", Value.object(body).json)
            #expect(again.status == 200, "\(again.text)")
            body["files"] = []
            let other = try await scene.send(
                "POST", "uploads/\(scene.attempt)/publish", Value.object(body).json)
            #expect(other.status == 409)
            #expect(try names(published) == ["big", "publish"])
        }
    }

    @Test func `that was damaged while it was sent is not published, and is sent again`() async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(1000)
            // As long as it should be, and something else.
            let sent = try await scene.send(
                "PUT", "uploads/\(scene.attempt)/big", String(repeating: "x", count: 1000))
            #expect(sent.status == 204)
            var body = try Manifest(of: attempt.checkpoint).api
            body["lease"] = scene.assignment.lease.api
            let refused = try await scene.send(
                "POST", "uploads/\(scene.attempt)/publish", Value.object(body).json)
            #expect(refused.status == 422)
            #expect(refused.text.contains("arrived damaged"))
            #expect(try names(scene.data.directory(of: "small").appending("checkpoints")) == [])
            _ = try await scene.send("PUT", "uploads/\(scene.attempt)/big", String(repeating: "x", count: 1000))
            #expect(try await checkpoints.publish(attempt) == scene.attempt)
            #expect(
                try read(scene.data.checkpoint(scene.attempt, of: "small").appending("big"))
                    == String(repeating: "0123456789", count: 100))
        }
    }

    @Test func `that is damaged on the server's disk is not trained on`() async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(1000)
            _ = try await checkpoints.publish(attempt)
            try overwrite(
                String(repeating: "y", count: 1000),
                at: scene.data.checkpoint(scene.attempt, of: "small").appending("big"))
            var next = scene.assignment
            next.parentCheckpoint = scene.attempt
            let other = try scene.remote("other")
            let error = await #expect(throws: PBTError.self) { try await other.begin(next, slot: 0) }
            #expect(error?.code == .changedCheckpoint)
            #expect(error?.message.contains("\"big\" has other bytes") == true)
            // Nor one of an earlier version, which has no seal.
            try FileTree.remove(scene.data.manifests(of: "small"))
            _ = try await scene.send("GET", "checkpoints/\(scene.attempt)")
            try overwrite(
                String(repeating: "z", count: 1000),
                at: scene.data.checkpoint(scene.attempt, of: "small").appending("big"))
            let damaged = await #expect(throws: PBTError.self) { try await other.begin(next, slot: 0) }
            #expect(damaged?.code == .inputOutput)
            #expect(damaged?.message.contains("arrived damaged, twice") == true)
            #expect(try names(other.data.directory(of: "small").appending("downloads")) == [])
        }
    }

    @Test func `that holds a link out of it is refused with what to do`() async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(10)
            try symlink("/etc/passwd", at: attempt.checkpoint.appending("link"))
            let error = await #expect(throws: PBTError.self) { try await checkpoints.publish(attempt) }
            #expect(error?.code == .badValue)
            #expect(error?.message.contains("\"link\" is a link to /etc/passwd, outside of the checkpoint") == true)
            #expect(error?.message.contains("copy the file into PBT_CHECKPOINT_OUT") == true)
        }
    }

    @Test(arguments: [
        "uploads/m0000-i0000-a1/../../../evil", "uploads/m0000-i0000-a1/%2e%2e/%2e%2e/evil",
        "uploads/m0000-i0000-a1/..%2F..%2Fevil", "uploads/m0000-i0000-a1/a/../../../evil",
        "uploads/m0000-i0000-a1//evil", "uploads/m0000-i0000-a1/%2Fetc%2Fevil", "uploads/m0000-i0000-a1/a%00b",
        "uploads/m0000-i0000-a1/.pbt-data", "uploads/m0000-i0000-a1/a%0Ab", "uploads/m0000-i0000-a1/link/evil",
        "uploads/m0000-i0000-a1/a%2F", "uploads/..%2F..%2Fx/evil", "uploads/m0000-i0000-a2/evil",
        "uploads/m0001-i0000-a1/evil", "uploads/m0-i0-a1/evil", "uploads/m0000-i0000-a+1/evil",
        "uploads/m0000-i0000-a1/" + String(repeating: "d/", count: 40) + "evil",
        "uploads/m0000-i0000-a1/" + String(repeating: "n", count: 300),
    ])
    func `never leads elsewhere`(_ path: String) async throws {
        try await Scene.with { scene in
            let outside = scene.root.appending("outside")
            try make(outside)
            #expect(try await scene.send("PUT", "uploads/\(scene.attempt)/good", "x").status == 204)
            // As someone might who has the directory too.
            let staging = scene.data.uploads(of: "small").appending(scene.attempt)
            try symlink(outside.string, at: staging.appending("link"))
            let answer = try await scene.send("PUT", path, "evil")
            #expect([400, 404, 405, 409, 422].contains(answer.status), "\(answer)")
            #expect(try names(outside) == [])
            #expect(try names(staging) == ["good", "link"])
            #expect(try names(scene.root) == ["data", "outside"])
            #expect(try names(scene.data.root) == [".pbt-data", "small"].filter { $0 == "small" })
            #expect(try names(scene.data.uploads(of: "small")) == [scene.attempt])
        }
    }

    @Test(arguments: [
        "checkpoints/..", "checkpoints/%2e%2e%2f%2e%2e", "checkpoints/m0000-i0000-a1/files/..%2F..%2F..%2Fsecret",
        "checkpoints/m0000-i0000-a1/files/link", "checkpoints/..%2F../files/secret", "checkpoints/none",
        "checkpoints/m0000-i0000-a1/files/nothing",
    ])
    func `is read, and nothing beside it`(_ path: String) async throws {
        try await Scene.with { scene in
            let (checkpoints, attempt) = try await scene.saved(10)
            _ = try await checkpoints.publish(attempt)
            let published = scene.data.checkpoint(scene.attempt, of: "small")
            try write("secret", to: scene.root.appending("secret"))
            try symlink(scene.root.appending("secret").string, at: published.appending("link"))
            let answer = try await scene.send("GET", path)
            #expect([404, 422].contains(answer.status), "\(answer)")
            #expect(!answer.text.contains("\"secret\""))
            #expect(try await scene.send("GET", "checkpoints/\(scene.attempt)/files/big").text == "0123456789")
        }
    }

    @Test func `of an attempt that is over is deleted`() async throws {
        try await Scene.with { scene in
            _ = try await scene.send("PUT", "uploads/\(scene.attempt)/big", "x")
            let sweep = GarbageSweep(
                exchange: CheckpointExchange(data: scene.data, store: scene.store), logger: .init(label: "test"))
            try await sweep.sweep("small")
            #expect(try names(scene.data.uploads(of: "small")) == [scene.attempt])
            try await scene.store.release(scene.assignment.lease, because: "a test")
            try await sweep.sweep("small")
            #expect(try names(scene.data.uploads(of: "small")) == [])
            #expect(try await scene.send("PUT", "uploads/\(scene.attempt)/big", "x").status == 409)
        }
    }

    @Test func `is dropped from a cache that is full, the one used longest ago first, and never one in use`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let cache = CheckpointCache(data: DataDirectory(FilePath(directory)), limit: 250)
            var holds: [String: CheckpointCache.Hold] = [:]
            for (i, name) in ["a", "b", "c"].enumerated() {
                let (path, hold) = try cache.stage(name, of: "e")
                try write(String(repeating: "x", count: 100), to: path.appending("f"))
                try cache.take(path, as: name, of: "e", Manifest(files: [], directories: []))
                withExtendedLifetime(hold) {}
                try setTime(1_000_000 + i, of: cache.data.checkpoint(name, of: "e"))
            }
            let checkpoints = cache.data.directory(of: "e").appending("checkpoints")
            holds["a"] = try cache.hold("a", of: "e")
            try setTime(1, of: cache.data.checkpoint("a", of: "e"))
            try cache.trim()
            #expect(try names(checkpoints) == ["a", "c"])
            try cache.trim(for: 1000)
            #expect(try names(checkpoints) == ["a"])
            #expect(try cache.hold("b", of: "e") == nil)
            holds = [:]
            try cache.trim(for: 1000)
            #expect(try names(checkpoints) == [])
            #expect(try names(cache.data.directory(of: "e").appending("downloads")) == [])
        }
    }
}

@Suite struct `The server's data directory` {
    @Test func `is shared by whoever finds its identity, at the same path or at another`() async throws {
        try await withTemporaryDirectory { directory in
            let data = DataDirectory(FilePath(directory).appending("data"))
            try await withServers { servers in
                let store = try RemoteStore(try await servers.start(InMemoryStore(), data: data).address)
                let info = try await store.serverInfo()
                #expect(info.data?.id == (try data.identity()))
                #expect(try store.sharedData(info) == data)
                let other = FilePath(directory).appending("other")
                #expect(throws: PBTError.self) { try store.sharedData(info, at: other) }
                try symlink(data.root.string, at: other)
                #expect(try store.sharedData(info, at: other) == DataDirectory(other))
                let foreign = DataDirectory(FilePath(directory).appending("foreign"))
                _ = try foreign.identity()
                let error = #expect(throws: PBTError.self) { try store.sharedData(info, at: foreign.root) }
                #expect(error?.message.contains("of another server") == true)
                var moved = info
                moved.data?.path = foreign.root.string
                #expect(try store.sharedData(moved) == nil)
            }
        }
    }
}
