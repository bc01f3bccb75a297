// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTExport
import PBTTesting
import SystemPackage
import Testing

@Suite struct ExportDirectoryTests {
    /// What is in a directory and below: contents by path.
    private func state(of directory: String) throws -> [String: Data] {
        var state: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            var isDirectory: ObjCBool = false
            let file = directory + "/" + path
            guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory), !isDirectory.boolValue else {
                continue
            }
            state[path] = try Data(contentsOf: URL(filePath: file))
        }
        return state
    }

    private func number(of file: String) throws -> UInt64? {
        try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? UInt64
    }

    @Test func `directories are made, and what was written is there`() async throws {
        try await withTemporaryDirectory { place in
            let files = TensorBoardFiles(Rows.copied.history())
            let directory = ExportDirectory(FilePath(place + "/a/b"), for: "digits")
            #expect(try directory.write(files) == files.paths.count)
            let state = try state(of: place + "/a/b")
            #expect(Set(state.keys) == Set(files.paths + [ExportDirectory.mark]))
            for (number, path) in files.paths.enumerated() {
                #expect(state[path] == Data(files.contents(at: number)), "\(path)")
            }
            #expect(try directory.write(files) == 0)
        }
    }

    @Test func `what goes on is added to files that stay where they are, and what is cut off is completed`()
        async throws
    {
        try await withTemporaryDirectory { place in
            let directory = ExportDirectory(FilePath(place), for: "digits")
            var rows = Rows.copied
            rows.state = .running
            try directory.write(TensorBoardFiles(rows.history(6)))
            let file = place + "/members/m00/events.out.tfevents.1763000000.1-scalars.pbt"
            let before = try (number(of: file), Data(contentsOf: URL(filePath: file)))
            let files = TensorBoardFiles(rows.history())
            try directory.write(files)
            let whole = try Data(contentsOf: URL(filePath: file))
            #expect(try number(of: file) == before.0)
            #expect(whole.count > before.1.count && whole.starts(with: before.1))
            try whole.dropLast(7).write(to: URL(filePath: file))
            #expect(try directory.write(files) == 1)
            #expect(try Data(contentsOf: URL(filePath: file)) == whole)
            // Damage within is replaced.
            var damaged = whole
            damaged[20] ^= 1
            try damaged.write(to: URL(filePath: file))
            #expect(try directory.write(files) == 1)
            #expect(try Data(contentsOf: URL(filePath: file)) == whole)
        }
    }

    @Test func `files of an earlier export go, and what is not ours stays`() async throws {
        try await withTemporaryDirectory { place in
            let directory = ExportDirectory(FilePath(place), for: "digits")
            var earlier = Rows.copied
            earlier.add(2, 0, score: 0.3)
            try directory.write(TensorBoardFiles(earlier.history()))
            for name in ["mine", "members/mine", "members/m02/mine", "members/m00/events.out.tfevents.1.host"] {
                try Data("mine".utf8).write(to: URL(filePath: "\(place)/\(name)"))
            }
            try Data().write(to: URL(filePath: place + "/members/m01/x.123.pbt-part"))
            let files = TensorBoardFiles(Rows.copied.history())
            try directory.write(files)
            let mine = ["mine", "members/mine", "members/m02/mine", "members/m00/events.out.tfevents.1.host"]
            #expect(try Set(state(of: place).keys) == Set(files.paths + [ExportDirectory.mark] + mine))
        }
    }

    @Test func `a directory that holds something else is refused and not touched`() async throws {
        try await withTemporaryDirectory { place in
            let path = FilePath(place)
            try Data().write(to: URL(filePath: place + "/notes.txt"))
            let files = TensorBoardFiles(Rows.copied.history())
            #expect(
                throws: PBTError(
                    .inputOutput, "\(place) contains other files (\"notes.txt\"); use a new or an empty directory"
                )
            ) { try ExportDirectory(path, for: "digits").write(files) }
            #expect(try state(of: place) == ["notes.txt": Data()])
            #expect(
                throws: PBTError(
                    .inputOutput, "cannot create \(place)/notes.txt: a file of that name exists; use another directory"
                )
            ) { try ExportDirectory(path.appending("notes.txt"), for: "digits").write(files) }
        }
    }

    @Test func `the export of another experiment is refused`() async throws {
        try await withTemporaryDirectory { place in
            let path = FilePath(place)
            let files = TensorBoardFiles(Rows.copied.history())
            try ExportDirectory(path, for: "digits").write(files)
            let before = try state(of: place)
            #expect(
                throws: PBTError(
                    .inputOutput,
                    "\(place) contains the export of experiment \"digits\"; use another directory for \"letters\"")
            ) { try ExportDirectory(path, for: "letters").write(files) }
            #expect(try state(of: place) == before)
            try Data("{}".utf8).write(to: URL(filePath: place + "/" + ExportDirectory.mark))
            #expect(
                throws: PBTError(
                    .inputOutput,
                    "\(place)/pbt-export.json does not describe an export; use another directory, or delete the file")
            ) { try ExportDirectory(path, for: "digits").write(files) }
        }
    }
}
