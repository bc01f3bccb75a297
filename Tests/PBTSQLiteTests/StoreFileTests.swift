// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import PBT
import PBTTesting
import Testing

@testable import PBTSQLite

/// The store as a file: its side files, its permissions, and what happens when it goes away.
@Suite struct StoreFileTests {
    private static let experiment = Experiment(
        "e", objective: .maximize("score"), population: 3, intervals: 3, seed: 1, space: ["x": .uniform(0...1)])

    private func files(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }

    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }

    /// The error of a call.
    private func error(_ body: () async throws -> Void) async -> PBTError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? PBTError
        }
    }

    @Test func `a store that is closed is one whole file, whoever has read it and how`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            for round in 0..<50 {
                let store = try SQLiteStore(path: path)
                if round == 0 { _ = try await store.create(Self.experiment) }
                // Several readers at once, so that the pool has several connections.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 { group.addTask { _ = try await store.intervals(of: "e") } }
                    group.addTask { try await store.pause("e") }
                    try await group.waitForAll()
                }
                try await store.resume("e")
                try store.close()
                #expect(try files(in: directory) == ["store.sqlite"], "round \(round)")
            }
            // All of it is in that file.
            try FileManager.default.moveItem(atPath: path, toPath: "\(directory)/moved.sqlite")
            let moved = try SQLiteStore(path: "\(directory)/moved.sqlite", mustExist: true)
            #expect(try await moved.events(of: "e", after: nil, limit: 1000).count == 101)
        }
    }

    @Test func `of several handles that are closed at the same moment, the last one leaves one whole file`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            for round in 0..<20 {
                let stores = try (0..<4).map { _ in try SQLiteStore(path: path) }
                for store in stores { _ = try await store.experiments() }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for store in stores {
                        group.addTask {
                            try await withCheckedThrowingContinuation { closed in
                                Thread.detachNewThread { closed.resume(with: Result { try store.close() }) }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try files(in: directory) == ["store.sqlite"], "round \(round)")
            }
        }
    }

    @Test func `a closed store says so, and closing it again does nothing`() async throws {
        try await withTemporaryDirectory { directory in
            let store = try SQLiteStore(path: "\(directory)/store.sqlite")
            try store.close()
            try store.close()
            let reading = await error { _ = try await store.experiments() }
            #expect(reading?.message == "the store \(directory)/store.sqlite is closed")
            let writing = await error { _ = try await store.create(Self.experiment) }
            #expect(writing?.message == "the store \(directory)/store.sqlite is closed")
        }
    }

    @Test func `a store that was removed, renamed or replaced under a handle takes nothing more, and says so`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let manager = FileManager.default
            let changes: [(String, () throws -> Void)] = [
                ("removed or renamed", { try manager.removeItem(atPath: path) }),
                ("removed or renamed", { try manager.moveItem(atPath: path, toPath: "\(directory)/old.sqlite") }),
                (
                    "replaced",
                    {
                        try manager.moveItem(atPath: path, toPath: "\(directory)/old.sqlite")
                        try Data().write(to: URL(filePath: path))
                    }
                ),
            ]
            for (text, change) in changes {
                for file in try files(in: directory) { try manager.removeItem(atPath: "\(directory)/\(file)") }
                let store = try SQLiteStore(path: path)
                _ = try await store.create(Self.experiment)
                let claims = try await store.claim(1, from: "e", by: "w", for: .seconds(60), key: nil)
                try change()
                let calls: [() async throws -> Void] = [
                    { _ = try await store.finish(claims.assignments[0].lease, .failed(reason: "")) },
                    { _ = try await store.renew(claims.assignments[0].lease, for: .seconds(1)) },
                    { _ = try await store.claim(1, from: "e", by: "w", for: .seconds(60), key: nil) },
                    { _ = try await store.experiments() },
                    { try await store.waitForEvents(after: 100, for: .seconds(60)) },
                    { try store.checkInPlace() },
                ]
                for call in calls {
                    let error = await error(call)
                    #expect(error?.code == .unusableStore)
                    #expect(error?.message.contains("was \(text)") == true, "\(error?.message ?? "no error")")
                }
                try store.close()
                // A file that was renamed is whole where it is now, and what is at its old path is left alone.
                let old = "\(directory)/old.sqlite"
                if text.hasPrefix("removed"), manager.fileExists(atPath: old) {
                    let moved = try SQLiteStore(path: old, mustExist: true)
                    #expect(try await moved.record(of: "e").counts[.running] == 1)
                    try moved.close()
                }
                if text == "replaced" { #expect(try Data(contentsOf: URL(filePath: path)).isEmpty) }
            }
        }
    }

    @Test func `a new store and its side files are their owner's only, and permissions that are there are kept`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let store = try SQLiteStore(path: path)
            _ = try await store.create(Self.experiment)
            for suffix in ["", "-wal", "-shm"] { #expect(try mode(path + suffix) == 0o600, "\(suffix)") }
            try store.close()
            // Shared with a group on purpose, before or after it was made.
            let shared = "\(directory)/shared.sqlite"
            #expect(FileManager.default.createFile(atPath: shared, contents: nil))
            for path in [path, shared] {
                try FileManager.default.setAttributes([.posixPermissions: 0o660], ofItemAtPath: path)
                let store = try SQLiteStore(path: path)
                _ = try await store.experiments()
                for suffix in ["", "-wal", "-shm"] { #expect(try mode(path + suffix) == 0o660, "\(path)\(suffix)") }
                try store.close()
            }
        }
    }

    @Test func `a store that is opened for reading changes nothing and is not created`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let missing = await error { _ = try SQLiteStore(path: path, access: .readOnly) }
            #expect(missing?.code == .unusableStore)
            #expect(try files(in: directory).isEmpty)
            let writer = try SQLiteStore(path: path)
            _ = try await writer.create(Self.experiment)
            let reader = try SQLiteStore(path: path, access: .readOnly)
            #expect(try await reader.record(of: "e").counts[.waiting] == 3)
            #expect(await error { try await reader.pause("e") }?.code == .wrongState)
            // It sees what a writer beside it does.
            try await writer.pause("e")
            #expect(try await reader.record(of: "e").state == .paused)
            try writer.close()
            try reader.close()
            #expect(try files(in: directory) == ["store.sqlite"])
        }
    }

    @Test func `a copy of a file that changes no more has what its write-ahead log has, and goes with its handle`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let store = try SQLiteStore(path: path)
            _ = try await store.create(Self.experiment)
            // Everything is in the log still.
            let copy = try PrivateCopy()
            try copy.fill(from: path)
            let read = try SQLiteStore(path: copy.path)
            #expect(try await read.record(of: "e").counts[.waiting] == 3)
            try read.close()
            #expect(try mode(copy.path) == 0o600)
            copy.remove()
            #expect(!FileManager.default.fileExists(atPath: copy.path))
            try store.close()
        }
    }
}
