// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints

@Suite struct `Files of checkpoints` {
    let experiment = Experiment.shell("true")

    /// Publishes an empty checkpoint.
    private func publish(_ member: Int, in data: DataDirectory) throws -> String {
        let attempt = try data.begin(experiment.assignment(member: member), slot: 0)
        try attempt.checkpoint.appending("weights").write("1")
        return try data.publish(attempt)
    }

    private func link(_ path: FilePath, to target: FilePath) throws {
        try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: target.string)
    }

    @Test func `are deleted by an attempt's name alone, and a bad name keeps no other from being deleted`()
        async throws
    {
        try await withData { data in
            let victim = data.root.appending("victim")
            try FileSystem.makeDirectories(victim)
            try victim.appending("precious").write("1")
            let (kept, dropped) = (try publish(0, in: data), try publish(1, in: data))
            let bad = ["", "/", ".", "..", "../../victim", victim.string, "\u{0}", String(repeating: "a", count: 5000)]
            try data.delete(bad + [dropped], of: "toy")
            let (gone, problem) = data.deleteEach(bad, of: "toy")
            #expect(gone == bad)
            #expect(problem == nil)
            #expect(try data.checkpoints(of: "toy").names() == [kept])
            #expect(try victim.names() == ["precious"])
        }
    }

    @Test func `are not reached through a link in the place of one, or of all`() async throws {
        try await withData { data in
            let name = try publish(0, in: data)
            let elsewhere = data.root.appending("elsewhere")
            try FileSystem.move(data.checkpoints(of: "toy"), to: elsewhere)
            try link(data.checkpoints(of: "toy"), to: elsewhere)
            #expect(throws: PBTError.self) { try data.delete([name], of: "toy") }
            let error = #expect(throws: PBTError.self) {
                try data.begin(experiment.assignment(member: 1, parent: name), slot: 0)
            }
            #expect(error?.message.contains("checkpoints is a symbolic link or a file") == true)
            let store = InMemoryStore()
            _ = try await store.create(experiment)
            #expect(try await data.orphans(of: "toy", in: store) == [])
            #expect(try elsewhere.names() == [name])

            try FileSystem.move(elsewhere, to: data.root.appending("again"))
            try FileManager.default.removeItem(atPath: data.checkpoints(of: "toy").string)
            try FileSystem.makeDirectory(data.checkpoints(of: "toy"))
            try link(data.checkpoint(name, of: "toy"), to: data.root.appending("again").appending(name))
            try data.delete([name], of: "toy")
            #expect(throws: PBTError.self) {
                try data.begin(experiment.assignment(member: 1, parent: name), slot: 0)
            }
            #expect(try await data.orphans(of: "toy", in: store) == [])
            #expect(try data.root.appending("again").appending(name).names() == ["weights"])
        }
    }

    @Test(arguments: ["../../../victim", "", "m0000-i0000-a1/..", "m0007-i0000-a1"])
    func `that are no checkpoint's are not handed to a trainer`(_ name: String) async throws {
        try await withData { data in
            _ = try publish(0, in: data)
            try FileSystem.makeDirectories(data.root.removingLastComponent().appending("victim"))
            let error = #expect(throws: PBTError.self) {
                try data.begin(experiment.assignment(member: 1, parent: name), slot: 0)
            }
            #expect(error?.code == .noSuchCheckpoint)
            #expect(data.checkpoint(named: "../x", of: "toy") == nil)
        }
    }

    @Test func `of other names are not garbage`() async throws {
        try await withData { data in
            let store = InMemoryStore()
            _ = try await store.create(experiment)
            let orphan = try publish(0, in: data)
            try data.checkpoints(of: "toy").appending("notes").write("of a person")
            let orphans = try await data.orphans(of: "toy", in: store)
            #expect(orphans.map(\.path.lastComponent?.string) == [orphan])
        }
    }

    @Test func `have a place for logs wherever there is one for attempts`() async throws {
        try await withData { data in
            // As a server has it whose workers are all on other machines, and which deletes.
            let checkpoint = data.checkpoint("m0000-i0000-a1", of: "toy")
            try FileSystem.makeDirectories(checkpoint)
            try data.delete(["m0000-i0000-a1"], of: "toy")
            #expect(try data.directory(of: "toy").names() == ["attempts", "checkpoints", "logs", "manifests"])
            // As earlier versions left it.
            try FileTree.remove(data.directory(of: "toy").appending("logs"))
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            try attempt.log.write("a line")
        }
    }

    @Test func `that an earlier attempt published and could not finish are deleted when the next begins`() async throws
    {
        try await withData { data in
            _ = try publish(0, in: data)
            _ = try data.begin(experiment.assignment(attempt: 2), slot: 0)
            #expect(try data.checkpoints(of: "toy").names() == [])
        }
    }

    @Test func `are in directories whose names are flushed before others rely on them`() async throws {
        try await withData { data in
            let probe = FlushProbe(below: data.root.removingLastComponent())
            try await probe.watching { _ = try publish(0, in: data) }
            let flushed = Set(probe.flushed)
            // Each new directory's name is in the directory above it.
            for directory in [
                data.root.removingLastComponent(), data.root, data.directory(of: "toy"), data.checkpoints(of: "toy"),
            ] {
                #expect(flushed.contains(directory), "\(directory)")
            }
            #expect(probe.flushed.last == data.checkpoints(of: "toy"))
        }
    }

    @Test(arguments: ["weights", "checkpoint", "checkpoints"])
    func `are not published when the disk does not take them, and nothing is left`(_ failing: String) async throws {
        try await withData { data in
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            try attempt.checkpoint.appending("weights").write("1")
            let probe = FlushProbe(below: data.root) { $0.lastComponent?.string == failing ? EIO : nil }
            let error = await #expect(throws: PBTError.self) {
                try await probe.watching { try data.publish(attempt) }
            }
            #expect(error?.message.contains("Input/output error") == true)
            #expect(try data.checkpoints(of: "toy").names() == [])
            try data.discard(attempt)
            #expect(try data.attempts(of: "toy").names() == [])
        }
    }
}
