// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints

@Suite struct `The data directory` {
    let experiment = Experiment.shell("true")

    @Test(arguments: [
        ("mnist", "mnist"), ("a/b", "a%2Fb"), ("..", "%2E."), (".", "%2E"), (".hidden", "%2Ehidden"),
        ("v1.2_x-y", "v1.2_x-y"),
        ("🐙", "%F0%9F%90%99"), ("a b", "a%20b"), ("100%", "100%25"), ("~", "%7E"), ("a\u{1}", "a%01"),
    ])
    func `encodes names`(_ name: String, _ directory: String) {
        #expect(DataDirectory.directoryName(of: name) == directory)
    }

    @Test func `cuts names that are too long, and keeps them apart`() {
        let long = String(repeating: "ü", count: 64)
        let names = ["\(long)a", "\(long)b"].map(DataDirectory.directoryName(of:))
        #expect(names[0] != names[1])
        #expect(names.allSatisfy { $0.utf8.count <= 200 })
    }

    @Test func `names checkpoints by interval and attempt`() {
        #expect(DataDirectory.name(of: IntervalID(member: 3, index: 12), attempt: 1) == "m0003-i0012-a1")
        #expect(DataDirectory.name(of: IntervalID(member: 12345, index: 0), attempt: 10) == "m12345-i0000-a10")
    }

    @Test func `publishes a whole tree under its name, and leaves nothing else`() async throws {
        try await withData { data in
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            #expect(try attempt.checkpoint.names() == [])
            try FileSystem.makeDirectories(attempt.checkpoint.appending("a").appending("b"))
            try attempt.checkpoint.appending("a").appending("b").appending("weights").write("12")
            try FileManager.default.createSymbolicLink(
                atPath: attempt.checkpoint.appending("link").string, withDestinationPath: "a/b/weights")
            try attempt.scratch.appending("rest").write("x")
            let name = try data.publish(attempt)
            #expect(name == "m0000-i0000-a1")
            let published = data.checkpoint(name, of: "toy")
            #expect(try published.names() == ["a", "link"])
            #expect(try published.appending("a").appending("b").appending("weights").text() == "12")
            #expect(try data.attempts(of: "toy").names() == [])
            #expect(try data.size(of: published) == 2 + Int64("a/b/weights".utf8.count))
        }
    }

    @Test func `publishes an empty checkpoint, since a trainer may have no state`() async throws {
        try await withData { data in
            let name = try data.publish(try data.begin(experiment.assignment(), slot: 0))
            #expect(try data.checkpoint(name, of: "toy").names() == [])
        }
    }

    @Test func `replaces nothing that is published`() async throws {
        try await withData { data in
            _ = try data.publish(try data.begin(experiment.assignment(), slot: 0))
            let again = try data.begin(experiment.assignment(), slot: 0)
            try again.checkpoint.appending("new").write("x")
            let target = data.checkpoint("m0000-i0000-a1", of: "toy")
            #expect(
                throws: PBTError(
                    .inputOutput,
                    "cannot publish the checkpoint \(target): it already exists, and no interval references it; delete "
                        + "it with: pbt gc")
            ) { try data.publish(again) }
            #expect(try target.names() == [])
            #expect(try again.checkpoint.names() == ["new"])
        }
    }

    @Test func `begins empty whatever an earlier try left`() async throws {
        try await withData { data in
            let first = try data.begin(experiment.assignment(), slot: 0)
            try first.checkpoint.appending("half").write("x")
            try first.scratch.appending("results.json").write("{}")
            let second = try data.begin(experiment.assignment(), slot: 0)
            #expect(try second.scratch.names() == ["checkpoint"])
            #expect(try second.checkpoint.names() == [])
            let third = try data.begin(experiment.assignment(attempt: 2), slot: 0)
            #expect(try data.attempts(of: "toy").names() == ["m0000-i0000-a2"])
            try data.discard(third)
            #expect(try data.attempts(of: "toy").names() == [])
        }
    }

    @Test func `deletes checkpoints, and does not mind those that are gone`() async throws {
        try await withData { data in
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            let inner = attempt.checkpoint.appending("locked")
            try FileSystem.makeDirectory(inner)
            try inner.appending("weights").write("x")
            try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: inner.string)
            let name = try data.publish(attempt)
            try data.delete([name, "m0009-i0009-a1"], of: "toy")
            try data.delete([name], of: "toy")
            #expect(try data.directory(of: "toy").appending("checkpoints").names() == [])
            #expect(try data.attempts(of: "toy").names() == [])
        }
    }

    @Test func `never follows a link out of a tree that it deletes`() async throws {
        try await withTemporaryDirectory { root in
            let outside = FilePath(root).appending("outside")
            try FileSystem.makeDirectory(outside)
            try outside.appending("precious").write("x")
            let data = DataDirectory(FilePath(root).appending("data"))
            let attempt = try data.begin(experiment.assignment(), slot: 0)
            try FileManager.default.createSymbolicLink(
                atPath: attempt.checkpoint.appending("link").string, withDestinationPath: outside.string)
            #expect(try data.size(of: attempt.checkpoint) == Int64(outside.string.utf8.count))
            try data.discard(attempt)
            #expect(try outside.names() == ["precious"])
        }
    }

    @Test(arguments: ["a/b", "..", "🐙", ".git"])
    func `keeps an experiment of any name inside its root`(_ name: String) async throws {
        try await withData { data in
            var odd = experiment
            odd.name = name
            let published = try data.publish(try data.begin(odd.assignment(), slot: 0))
            #expect(try data.root.names() == [DataDirectory.directoryName(of: name)])
            #expect(try data.checkpoint(published, of: name).isThere)
            try data.remove(name)
            #expect(try data.root.names() == [])
        }
    }

    @Test func `says what, which and what next when something cannot be written`() async throws {
        try await withTemporaryDirectory { root in
            let file = FilePath(root).appending("file")
            try file.write("x")
            let data = DataDirectory(file.appending("data"))
            let directory = data.attempt("m0000-i0000-a1", of: "toy")
            let error = #expect(throws: PBTError.self) { try data.begin(experiment.assignment(), slot: 0) }
            #expect(error?.code == .inputOutput)
            #expect(
                error?.message
                    == "cannot create the directory \(directory): Not a directory (something in its path is a file, not "
                    + "a directory)")
        }
    }

    @Test func `finds what no interval names, and deletes it only when told`() async throws {
        try await withData { data in
            let store = InMemoryStore(clock: ManualClock().store)
            _ = try await store.create(.shell("true", population: 3))
            // One is finished and kept, one runs and has just published, one was published by a worker that died.
            guard case .assignment(let first) = try await store.claim(from: "toy", by: "w", for: .seconds(60)),
                case .assignment(let second) = try await store.claim(from: "toy", by: "w", for: .seconds(60))
            else {
                Issue.record("there were two intervals to claim")
                return
            }
            let kept = try data.publish(try data.begin(first, slot: 0))
            _ = try await store.finish(
                first.lease, .trained(score: 1, metrics: ["score": 1], checkpoint: kept))
            let running = try data.publish(try data.begin(second, slot: 0))
            let left = try data.begin(experiment.assignment(member: 2, attempt: 2), slot: 0)
            try left.scratch.appending("x").write("12345")
            let orphan = try data.begin(experiment.assignment(member: 2, attempt: 1), slot: 0)
            try orphan.checkpoint.appending("weights").write("123")
            let lost = try data.publish(orphan)

            let orphans = try await data.orphans(of: "toy", in: store)
            #expect(
                orphans == [
                    Orphan(path: data.checkpoint(lost, of: "toy"), bytes: 3), Orphan(path: left.scratch, bytes: 5),
                ])
            let checkpoints = data.directory(of: "toy").appending("checkpoints")
            #expect(try checkpoints.names() == [kept, running, lost].sorted())
            try data.collect(orphans)
            #expect(try checkpoints.names() == [kept, running].sorted())
            #expect(try data.attempts(of: "toy").names() == [])
        }
    }
}
