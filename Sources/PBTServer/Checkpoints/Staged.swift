// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import SystemPackage

/// Files that came for a checkpoint, to be published.
///
/// Its calls block.
struct Staged {
    let root: FilePath
    let manifest: Manifest
    let maximum: Int

    /// Checks every byte, writes all to disk, and makes it visible by one rename.
    ///
    /// After a flush that failed nobody knows what is on the disk: what came is deleted, so that it is sent again.
    ///
    /// - Parameters:
    ///   - name: The checkpoint's name.
    ///   - experiment: The experiment.
    ///   - data: The data directory.
    /// - Throws: A `PBTError` with code `badValue` or `inputOutput`; then nothing is published.
    func publish(as name: String, of experiment: String, in data: DataDirectory) throws {
        try data.make(root)
        try check()
        for directory in manifest.directories {
            for name in directory.parents + ["\(directory)"] {
                try FileSystem.makeDirectory(try TransferPath(name).below(root))
            }
        }
        for file in manifest.files where file.isExecutable {
            try OpenFile(reading: file.path, below: root).makeExecutable()
        }
        try data.prepare(experiment)
        do {
            try data.publish(root, as: name, of: experiment)
        } catch {
            // If this fails too, the next publish reads and flushes every byte again.
            try? FileTree.remove(root)
            throw error
        }
    }

    /// Everything that is listed is there as it is listed, and nothing else.
    private func check() throws {
        let tree = try Tree(of: root, maximum: maximum)
        let listed = Set(manifest.files.map(\.path))
        for file in tree.files where !listed.contains(file.path) {
            try FileTree.remove(file.path.below(root))
        }
        // By their bytes: strings of other bytes may be equal.
        let needed = Set(
            (manifest.directories.map { "\($0)" } + manifest.directories.flatMap(\.parents)
                + manifest.files.flatMap(\.path.parents)).map { Array($0.utf8) })
        for directory in tree.directories.reversed() where !needed.contains(Array("\(directory)".utf8)) {
            try FileTree.remove(directory.below(root))
        }
        let there = Set(tree.files.map(\.path))
        for file in manifest.files {
            guard there.contains(file.path) else {
                guard file.size == 0 else {
                    throw PBTError(.badValue, "\"\(file.path)\" has not arrived; send it, then publish again")
                }
                // Nothing had to be sent.
                _ = try OpenFile(writing: file.path, below: root)
                continue
            }
            let (size, sha256) = try Checksum.of(OpenFile(reading: file.path, below: root))
            guard size == file.size, sha256 == file.sha256 else {
                try FileTree.remove(file.path.below(root))
                throw PBTError(
                    .badValue,
                    "\"\(file.path)\" arrived damaged: \(size) bytes with SHA-256 \(sha256.prefix(8))…, not \(file.size) "
                        + "with \(file.sha256.prefix(8))…; send it again, then publish again")
            }
        }
    }
}
