// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints

@Suite struct `Links in a checkpoint` {
    let experiment = Experiment.shell("true")

    /// Begins an attempt, lets `save` write its checkpoint, and publishes it.
    private func publish(
        in data: DataDirectory, _ save: (FilePath) throws -> Void
    ) throws -> FilePath {
        let attempt = try data.begin(experiment.assignment(), slot: 0)
        try save(attempt.checkpoint)
        return data.checkpoint(try data.publish(attempt), of: "toy")
    }

    private func link(_ path: FilePath, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: target)
    }

    @Test func `lead to the same file once it is published, also as absolute ones`() async throws {
        try await withData { data in
            let published = try publish(in: data) { root in
                let inner = root.appending("a").appending("b")
                try FileSystem.makeDirectories(inner)
                try root.appending("epoch=1.ckpt").write("1")
                try inner.appending("deep").write("2")
                try link(root.appending("last.ckpt"), to: root.appending("epoch=1.ckpt").string)
                try link(root.appending("plain"), to: "epoch=1.ckpt")
                try link(inner.appending("up"), to: root.appending("last.ckpt").string)
                try link(inner.appending("round"), to: "../../../checkpoint/a/b/deep")
                try link(root.appending("folder"), to: root.appending("a").appending("b").string)
            }
            func target(_ path: String) throws -> String {
                try FileSystem.target(of: published.appending(path))
            }
            #expect(try target("last.ckpt") == "epoch=1.ckpt")
            #expect(try target("plain") == "epoch=1.ckpt")
            #expect(try target("a/b/up") == "../../epoch=1.ckpt")
            #expect(try target("a/b/round") == "deep")
            #expect(try target("folder") == "a/b")
            for (path, text) in [("last.ckpt", "1"), ("a/b/up", "1"), ("a/b/round", "2"), ("folder/deep", "2")] {
                #expect(try published.appending(path).text() == text)
            }
            #expect(try published.names() == ["a", "epoch=1.ckpt", "folder", "last.ckpt", "plain"])
        }
    }

    @Test func `that lead elsewhere, to nothing, or in a circle fail the attempt, each with its target and what to do`()
        async throws
    {
        try await withData { data in
            let other = data.root.removingLastComponent().appending("elsewhere")
            let error = #expect(throws: PBTError.self) {
                _ = try publish(in: data) { root in
                    try other.write("x")
                    try link(root.appending("outside"), to: other.string)
                    try link(root.appending("parent"), to: "../../..")
                    try link(root.appending("dead"), to: "nothing")
                    try link(root.appending("self"), to: "self")
                    try link(root.appending("here"), to: ".")
                }
            }
            let message = try #require(error?.message)
            for part in [
                "\"outside\" is a link to \(other), outside of the checkpoint",
                "\"parent\" is a link to ../../.., outside of the checkpoint",
                "\"dead\" is a link to nothing, which does not exist",
                "\"self\" is a link to self, which leads back to the link",
                "\"here\" is a link to ., which leads back to the link",
                "copy the file into PBT_CHECKPOINT_OUT",
            ] {
                #expect(message.contains(part), "\(message)")
            }
            #expect(error?.code == .badValue)
            #expect(try data.checkpoints(of: "toy").names() == [])
        }
    }

    @Test func `into another checkpoint are refused, since that one will be deleted`() async throws {
        try await withData { data in
            let parent = try publish(in: data) { try $0.appending("vocab").write("words") }
            let next = try data.begin(experiment.assignment(member: 1), slot: 0)
            try link(next.checkpoint.appending("vocab"), to: parent.appending("vocab").string)
            let error = #expect(throws: PBTError.self) { try data.publish(next) }
            #expect(error?.message.contains("\(parent.appending("vocab")), outside of the checkpoint") == true)
        }
    }

    @Test(arguments: [
        (["a"], "b", ["b"]), (["d", "a"], "../b", ["b"]), (["d", "a"], "../d/../b", ["b"]),
        (["d", "a"], "x", ["d", "x"]),
    ])
    func `are followed without leaving the directory`(
        _ names: [String], _ target: String, _ end: [String]
    ) async throws {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory)
            try FileSystem.makeDirectories(root.appending("d"))
            try link(names.reduce(root) { $0.appending($1) }, to: target)
            #expect(try FileSystem.resolved(names, below: root) == end)
        }
    }

    @Test(arguments: ["/etc/passwd", "../x", "a", "d/../../x"])
    func `are not followed out of the directory, nor without end`(_ target: String) async throws {
        try await withTemporaryDirectory { directory in
            let root = FilePath(directory).appending("root")
            try FileSystem.makeDirectories(root.appending("d"))
            try link(root.appending("a"), to: target)
            #expect(throws: PBTError.self) { try FileSystem.resolved(["a"], below: root) }
        }
    }
}
