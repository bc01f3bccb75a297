// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// The files and directories below a directory, all of a kind that can be sent.
///
/// A symbolic link that leads inside the directory stands for a copy of what it leads to.
package struct Tree {
    /// One file.
    package struct Entry {
        package var path: TransferPath
        package var isExecutable: Bool

        /// The file, open for reading.
        package func file(below root: FilePath) throws -> OpenFile {
            try OpenFile(following: path, below: root)
        }
    }

    /// In order of path.
    package private(set) var files: [Entry] = []
    /// In order of path.
    package private(set) var directories: [TransferPath] = []
    private let root: FilePath
    private let maximum: Int

    /// Finds them.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - root: The directory.
    ///   - maximum: How many files and directories there may be.
    /// - Throws: A `PBTError`: `badValue` for what cannot be sent, such as a symbolic link that leads out of it;
    ///   `inputOutput`.
    package init(of root: FilePath, maximum: Int) throws {
        self.root = root
        self.maximum = maximum
        try read(root, [])
        files.sort { $0.path < $1.path }
        directories.sort()
    }

    private mutating func read(_ directory: FilePath, _ names: [String]) throws {
        for name in try FileSystem.names(in: directory) {
            let inner = directory.appending(name)
            let path = try TransferPath((names + [name]).joined(separator: "/"))
            var status = stat()
            guard inner.withPlatformString({ lstat($0, &status) }) == 0 else {
                throw FileSystem.error("look at", inner, errno)
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG: files.append(Entry(path: path, isExecutable: status.st_mode & 0o100 != 0))
            case S_IFDIR:
                directories.append(path)
                try read(inner, path.names)
            case S_IFLNK: try follow(path)
            default: throw refused(path, "is neither a file nor a directory")
            }
            guard files.count <= maximum, directories.count <= maximum else {
                throw PBTError(
                    .badValue, "the checkpoint \(root) holds more than \(maximum) files; save fewer, larger files")
            }
        }
    }

    /// Takes in what a symbolic link leads to, as if it were a copy.
    private mutating func follow(_ path: TransferPath) throws {
        let names = try FileSystem.resolved(path.names, below: root)
        let inner = names.reduce(root) { $0.appending($1) }
        var status = stat()
        guard inner.withPlatformString({ lstat($0, &status) }) == 0 else {
            throw refused(path, "is a symbolic link to nothing")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: files.append(Entry(path: path, isExecutable: status.st_mode & 0o100 != 0))
        case S_IFDIR:
            guard !path.names.starts(with: names) else {
                throw refused(path, "is a symbolic link to a directory that holds it")
            }
            directories.append(path)
            try read(inner, path.names)
        default: throw refused(path, "is a symbolic link to what is neither a file nor a directory")
        }
    }

    private func refused(_ path: TransferPath, _ problem: String) -> PBTError {
        PBTError(
            .badValue,
            "\"\(path)\" in the checkpoint \(root) \(problem); a checkpoint that goes to another machine holds files "
                + "and directories alone: save the file itself, or let the machines share the data directory")
    }
}
