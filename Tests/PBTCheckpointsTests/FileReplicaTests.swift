// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints

@Suite struct FileReplicaTests {
    private func attribute(_ key: FileAttributeKey, _ path: String) throws -> NSNumber? {
        try FileManager.default.attributesOfItem(atPath: path)[key] as? NSNumber
    }

    /// A tree with all kinds of entries.
    private func makeTree(_ root: String) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(root)/inner/empty", withIntermediateDirectories: true)
        try Data("weights".utf8).write(to: URL(filePath: "\(root)/model"))
        try Data(repeating: 7, count: 3 << 20).write(to: URL(filePath: "\(root)/inner/large"))
        try manager.setAttributes(
            [.posixPermissions: 0o444, .modificationDate: Date(timeIntervalSince1970: 1_000_000)],
            ofItemAtPath: "\(root)/inner/large")
        try manager.createSymbolicLink(atPath: "\(root)/last", withDestinationPath: "inner/large")
        try manager.setAttributes([.posixPermissions: 0o555], ofItemAtPath: "\(root)/inner")
    }

    @Test(arguments: [true, false])
    func `a replica has the same contents, permissions, times and links`(isLinking: Bool) async throws {
        try await withTemporaryDirectory { root in
            try makeTree("\(root)/a")
            try FileReplica.make(FilePath("\(root)/a"), at: FilePath("\(root)/b"), linking: isLinking)
            #expect(FileManager.default.contentsEqual(atPath: "\(root)/a", andPath: "\(root)/b"))
            #expect(try attribute(.posixPermissions, "\(root)/b/inner") == 0o555)
            #expect(try attribute(.posixPermissions, "\(root)/b/inner/large") == 0o444)
            let date =
                try FileManager.default.attributesOfItem(atPath: "\(root)/b/inner/large")[.modificationDate] as? Date
            #expect(date == Date(timeIntervalSince1970: 1_000_000))
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/b/last") == "inner/large")
            #expect(try attribute(.referenceCount, "\(root)/b/model") == (isLinking ? 2 : 1))
            for tree in ["a", "b"] { try FileTree.remove(FilePath("\(root)/\(tree)")) }
        }
    }

    @Test func `what is not there leaves nothing, and a name is told from a later one of the same name`() async throws {
        try await withTemporaryDirectory { root in
            let (source, target) = (FilePath("\(root)/a"), FilePath("\(root)/b"))
            #expect(throws: FileReplica.Vanished.self) { try FileReplica.make(source, at: target) }
            #expect(try !FileSystem.exists(target))
            try makeTree("\(root)/a")
            let before = try FileReplica.identity(source)
            try FileSystem.move(source, to: FilePath("\(root)/aside"))
            try makeTree("\(root)/a")
            #expect(try FileReplica.identity(source) != before)
            for tree in ["a", "aside"] { try FileTree.remove(FilePath("\(root)/\(tree)")) }
        }
    }

    @Test func `a new data directory is its owner's only, and one that is there keeps its permissions`() async throws {
        try await withTemporaryDirectory { root in
            let fresh = DataDirectory(FilePath("\(root)/parent/fresh.data"))
            _ = try fresh.identity()
            #expect(try attribute(.posixPermissions, fresh.root.string) == 0o700)
            let shared = DataDirectory(FilePath("\(root)/shared.data"))
            try FileManager.default.createDirectory(
                atPath: shared.root.string, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o770])
            try FileManager.default.setAttributes([.posixPermissions: 0o770], ofItemAtPath: shared.root.string)
            _ = try shared.identity()
            #expect(try attribute(.posixPermissions, shared.root.string) == 0o770)
        }
    }
}
