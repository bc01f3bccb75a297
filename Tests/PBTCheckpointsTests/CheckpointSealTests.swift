// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints

@Suite(.timeLimit(.minutes(10))) struct `A published checkpoint` {
    let experiment = Experiment.shell("true")

    /// Publishes a checkpoint with a file, a program, a directory and a link.
    private func published(in data: DataDirectory) throws -> (name: String, path: FilePath) {
        let attempt = try data.begin(experiment.assignment(), slot: 0)
        let inner = attempt.checkpoint.appending("a")
        try FileSystem.makeDirectory(inner)
        try attempt.checkpoint.appending("s.json").write("1")
        try inner.appending("run").write("#!/bin/sh")
        try mode(0o755, of: inner.appending("run"))
        try FileManager.default.createSymbolicLink(
            atPath: attempt.checkpoint.appending("last").string, withDestinationPath: "s.json")
        let name = try data.publish(attempt)
        return (name, data.checkpoint(name, of: "toy"))
    }

    private func mode(_ bits: Int, of path: FilePath) throws {
        try FileManager.default.setAttributes([.posixPermissions: bits], ofItemAtPath: path.string)
    }

    private func overwrite(_ path: FilePath, _ text: String) throws {
        try mode(0o644, of: path)
        try path.write(text)
    }

    private func mode(of path: FilePath) throws -> Int? {
        try (FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test func `has files that are read-only, and directories that are not`() async throws {
        try await withData { data in
            let (_, path) = try published(in: data)
            #expect(try mode(of: path.appending("s.json")).map { $0 & 0o333 } == 0)
            #expect(try mode(of: path.appending("a").appending("run")).map { $0 & 0o322 } == 0o100)
            for directory in [path, path.appending("a")] {
                #expect(try mode(of: directory).map { $0 & 0o200 } == 0o200)
            }
        }
    }

    @Test func `leaves a file as it is that has another name elsewhere`() async throws {
        try await withData { data in
            let shared = data.root.removingLastComponent().appending("vocabulary")
            try shared.write("words")
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            try FileManager.default.linkItem(
                atPath: shared.string, toPath: attempt.checkpoint.appending("vocabulary").string)
            _ = try data.publish(attempt)
            #expect(try mode(of: shared).map { $0 & 0o200 } == 0o200)
        }
    }

    @Test(
        arguments: [
            ("bytes", "\"s.json\" has other bytes"), ("longer", "\"s.json\" has 2 bytes, not 1"),
            ("gone", "\"s.json\" is gone"), ("new", "\"new\" is new"), ("directory", "\"b\" is new"),
            ("link", "\"last\" leads elsewhere"),
        ])
    func `that changed is found before it is handed out, and said how`(_ change: String, _ text: String) async throws {
        try await withData { data in
            let (name, path) = try published(in: data)
            try data.checkUnchanged(name, of: "toy")
            let file = path.appending("s.json")
            switch change {
            case "bytes":
                let time = try FileManager.default.attributesOfItem(atPath: file.string)[.modificationDate] as? Date
                try overwrite(file, "2")
                // As a program does that hides it.
                try FileManager.default.setAttributes(
                    [.modificationDate: try #require(time)], ofItemAtPath: file.string)
            case "longer": try overwrite(file, "12")
            case "gone": try FileTree.remove(file)
            case "new": try path.appending("new").write("x")
            case "directory": try FileSystem.makeDirectory(path.appending("b"))
            default:
                try FileTree.remove(path.appending("last"))
                try FileManager.default.createSymbolicLink(
                    atPath: path.appending("last").string, withDestinationPath: "a/run")
            }
            #expect(try data.changes(in: name, of: "toy") == [text] || change == "gone")
            #expect(try data.changes(in: name, of: "toy").contains(text))
            let error = #expect(throws: PBTError.self) {
                try data.begin(experiment.assignment(member: 1, parent: name), slot: 0)
            }
            #expect(error?.code == .changedCheckpoint)
            #expect(error?.message.contains("was changed after it was published: ") == true)
            #expect(error?.message.contains(text) == true)
        }
    }

    @Test func `that was copied as a whole, or touched, is the same`() async throws {
        try await withData { data in
            let (name, path) = try published(in: data)
            let copy = path.removingLastComponent().appending("copy")
            try FileManager.default.copyItem(atPath: path.string, toPath: copy.string)
            try FileTree.remove(path)
            try FileSystem.move(copy, to: path)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: path.appending("s.json").string)
            #expect(try data.changes(in: name, of: "toy") == [])
        }
    }

    @Test func `whose seal is cut off counts as one of an earlier version`() async throws {
        try await withData { data in
            let (name, _) = try published(in: data)
            for text in ["", "{", "{\"format\": 2}", "[]"] {
                try data.manifest(name, of: "toy").write(text)
                #expect(try data.seal(of: name, in: "toy") == nil)
                try data.checkUnchanged(name, of: "toy")
            }
        }
    }

    @Test func `has a seal that is read back as it was written`() async throws {
        try await withData { data in
            let (name, path) = try published(in: data)
            let seal = try #require(try data.seal(of: name, in: "toy"))
            #expect(seal.files.map(\.path) == ["a/run", "s.json"])
            #expect(seal.directories == ["a"])
            #expect(seal.links == ["last": "s.json"])
            #expect(seal.files.map(\.isSampled) == [false, false])
            // SHA-256 of "1".
            #expect(
                seal.files.last?.digest == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b")
            #expect(CheckpointSeal(seal.value) == seal)
            #expect(try seal.changes(at: path) == [])
        }
    }

    @Test func `with a large file is sealed by samples, unless all is asked for`() async throws {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            let file = root.appending("big")
            try file.write("")
            // Sparse, so that it takes no space.
            #expect(truncate(file.string, 65 << 20) == 0)
            let sampled = try CheckpointSeal(of: root, hashing: .sampled)
            let full = try CheckpointSeal(of: root, hashing: .full)
            #expect(sampled.files.map(\.isSampled) == [true])
            #expect(full.files.map(\.isSampled) == [false])
            #expect(sampled.files[0].digest != full.files[0].digest)
            #expect(try sampled.changes(at: root) == [])
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: file.string)
            #expect(try sampled.changes(at: root) == ["\"big\" was modified later"])
            #expect(try full.changes(at: root) == [])
        }
    }

    @Test func `leaves no seal when it is deleted, nor when it was never published`() async throws {
        try await withData { data in
            let store = InMemoryStore()
            _ = try await store.create(experiment)
            let (name, _) = try published(in: data)
            try data.manifest("m0007-i0000-a1", of: "toy").write("{}")
            try data.manifests(of: "toy").appending("notes.json").write("of a person")
            try data.delete([name], of: "toy")
            try await data.collectManifests(of: "toy", in: store)
            #expect(try data.manifests(of: "toy").names() == ["notes.json"])
        }
    }

    @Test func `is written to its disk before it has its name`() async throws {
        try await withData { data in
            let probe = FlushProbe(below: data.root)
            let (name, _) = try await probe.watching { try published(in: data) }
            let flushed = probe.flushed
            let seal = try #require(flushed.firstIndex(of: data.manifest(name, of: "toy")))
            let directory = try #require(flushed.lastIndex(of: data.manifests(of: "toy")))
            #expect(seal < directory && directory < flushed.count - 1)
            #expect(flushed.last == data.checkpoints(of: "toy"))
        }
    }
}
