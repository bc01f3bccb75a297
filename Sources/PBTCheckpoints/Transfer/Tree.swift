// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// The files and directories below a directory that are transferred.
///
/// A symbolic link to a target inside the directory is treated as a copy of the target.
package struct Tree {
    /// A file of a tree.
    package struct Entry {
        package var path: TransferPath
        package var isExecutable: Bool

        /// Opens the file for reading.
        package func file(below root: FilePath) throws -> OpenFile {
            try OpenFile(following: path, below: root)
        }
    }

    /// The files, in order of path.
    package private(set) var files: [Entry] = []
    /// The directories, in order of path.
    package private(set) var directories: [TransferPath] = []
    private let root: FilePath
    private let maximum: Int

    /// Lists a directory recursively.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - root: The directory.
    ///   - maximum: The maximum number of files, and of directories.
    /// - Throws: A `PBTError`: `badValue` for entries that cannot be transferred, such as a link out of it;
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
                throw FileSystem.error("access", inner, errno)
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

    /// Adds the target of a symbolic link as if it were a copy.
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
        default: throw refused(path, "is a symbolic link to something that is neither a file nor a directory")
        }
    }

    private func refused(_ path: TransferPath, _ problem: String) -> PBTError {
        PBTError(
            .badValue,
            "\"\(path)\" in the checkpoint \(root) \(problem); a checkpoint that is transferred to another machine "
                + "can contain only files and directories: save the file itself, or let the "
                + "machines share the data directory")
    }
}
