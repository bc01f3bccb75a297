// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTWorker
package import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Manifest {
    /// Reads a directory with all that is in it. Reads every byte; not for the threads that tasks share.
    ///
    /// - Parameters:
    ///   - root: The directory.
    ///   - maximumFiles: How many files and directories there may be.
    /// - Throws: A `PBTError`: `badValue` for what cannot be sent, such as a symbolic link, `inputOutput`.
    package init(of root: FilePath, maximumFiles: Int = 100_000) throws {
        var reader = TreeReader(root: root, maximum: maximumFiles)
        try reader.read(root, [])
        files = try reader.files.map { path, isExecutable in
            let file = try OpenFile(reading: path, below: root)
            let (size, sha256) = try Checksum.of(file)
            return File(path: path, size: size, sha256: sha256, isExecutable: isExecutable)
        }.sorted { $0.path < $1.path }
        directories = reader.directories.sorted()
    }
}

/// Finds the files and directories of a tree.
private struct TreeReader {
    let root: FilePath
    let maximum: Int
    var files: [(path: TransferPath, isExecutable: Bool)] = []
    var directories: [TransferPath] = []

    mutating func read(_ directory: FilePath, _ names: [String]) throws {
        for name in try FileSystem.names(in: directory) {
            let inner = directory.appending(name)
            let path = try TransferPath((names + [name]).joined(separator: "/"))
            var status = stat()
            guard inner.withPlatformString({ lstat($0, &status) }) == 0 else {
                throw FileSystem.error("look at", inner, errno)
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG: files.append((path, status.st_mode & 0o100 != 0))
            case S_IFDIR:
                directories.append(path)
                try read(inner, path.names)
            case S_IFLNK: throw refused(path, "is a symbolic link")
            default: throw refused(path, "is neither a file nor a directory")
            }
            guard files.count <= maximum, directories.count <= maximum else {
                throw PBTError(
                    .badValue, "the checkpoint \(root) holds more than \(maximum) files; save fewer, larger files")
            }
        }
    }

    private func refused(_ path: TransferPath, _ problem: String) -> PBTError {
        PBTError(
            .badValue,
            "\"\(path)\" in the checkpoint \(root) \(problem); a checkpoint that goes to another machine holds files "
                + "and directories alone: save the file itself, or let the machines share the data directory")
    }
}
