// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// A directory with all that is in it.
///
/// Symbolic links are never followed. Works from open directories downward, so that exchanging a directory for a link meanwhile leads nowhere.
package enum FileTree {
    /// Writes every file and directory of a tree to disk; a power cut afterwards loses nothing of it.
    package static func synchronize(_ path: FilePath) throws {
        try withDirectory(AT_FDCWD, path.string.cString, path) { try synchronize(directory: $0, path) }
    }

    /// The bytes in the files of a tree; 0 when there is no such tree.
    package static func size(_ path: FilePath) throws -> Int64 {
        guard try FileSystem.exists(path) else { return 0 }
        var total: Int64 = 0
        try withDirectory(AT_FDCWD, path.string.cString, path) { try add(sizeOf: $0, path, to: &total) }
        return total
    }

    /// Deletes a tree, or a single file; one that is gone already is as good.
    package static func remove(_ path: FilePath) throws {
        try remove(AT_FDCWD, path.string.cString, path)
    }

    /// Deletes a directory that others may look at, by way of another name: what bears its name is whole at any time.
    ///
    /// Neither directory is reached through a symbolic link at its last name, and only a directory is deleted.
    ///
    /// - Parameters:
    ///   - name: The name in `source`.
    ///   - source: The directory that holds it.
    ///   - target: The directory on the same file system that it is moved to.
    ///   - trash: The name that it gets there; what has it already is deleted.
    /// - Returns: What was found; only a directory was deleted.
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func retire(
        _ name: String, in source: FilePath, through target: FilePath, as trash: String
    ) throws -> Retired {
        guard let from = try open(source) else { return .absent }
        defer { close(from) }
        guard let to = try open(target) else { throw FileSystem.error("open", target, ENOENT) }
        defer { close(to) }
        var status = stat()
        guard fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return .absent }
            throw FileSystem.error("look at", source.appending(name), errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return .notADirectory }
        try remove(to, trash.cString, target.appending(trash))
        guard renameat(from, name, to, trash) == 0 else {
            // Another process was faster.
            if errno == ENOENT { return .absent }
            throw FileSystem.error("rename \(source.appending(name)) to", target.appending(trash), errno)
        }
        try remove(to, trash.cString, target.appending(trash))
        return .deleted
    }

    /// What ``retire(_:in:through:as:)`` found.
    package enum Retired: Sendable {
        /// A directory, which is gone now.
        case deleted
        /// Nothing.
        case absent
        /// A file or a symbolic link, which is still there.
        case notADirectory
    }

    /// Opens a directory that is not a symbolic link; nil when there is none.
    private static func open(_ path: FilePath) throws -> CInt? {
        let descriptor = openat(AT_FDCWD, path.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor >= 0 { return descriptor }
        switch errno {
        case ENOENT: return nil
        case ENOTDIR, ELOOP: throw FileSystem.notADirectory(path)
        default: throw FileSystem.error("open", path, errno)
        }
    }

    private static func synchronize(directory: OpenDirectory, _ path: FilePath) throws {
        for entry in try FileSystem.entries(of: directory.stream, path) {
            let inner = path.appending(entry.name)
            switch try kind(of: entry, in: directory, inner) {
            case S_IFDIR:
                try withDirectory(directory.descriptor, entry.bytes, inner) { try synchronize(directory: $0, inner) }
            case S_IFREG:
                let file = openat(
                    directory.descriptor, entry.bytes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                guard file >= 0 else { throw FileSystem.error("open", inner, errno) }
                defer { close(file) }
                try FileSystem.flush(file, inner)
            default: break
            }
        }
        try FileSystem.flush(directory.descriptor, path)
    }

    private static func add(sizeOf directory: OpenDirectory, _ path: FilePath, to total: inout Int64) throws {
        for entry in try FileSystem.entries(of: directory.stream, path) {
            let inner = path.appending(entry.name)
            var status = stat()
            guard fstatat(directory.descriptor, entry.bytes, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                if errno == ENOENT { continue }
                throw FileSystem.error("look at", inner, errno)
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                try withDirectory(directory.descriptor, entry.bytes, inner) { try add(sizeOf: $0, inner, to: &total) }
            } else {
                total = total.adding(saturating: Int64(status.st_size))
            }
        }
    }

    private static func remove(_ parent: CInt, _ name: [CChar], _ path: FilePath) throws {
        if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return }
        // A directory: EISDIR on Linux, EPERM elsewhere.
        guard errno == EISDIR || errno == EPERM else { throw FileSystem.error("delete", path, errno) }
        // Most directories are empty or hold a file or two; an empty one goes at once.
        if unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        guard errno == ENOTEMPTY || errno == EEXIST else { throw FileSystem.error("delete", path, errno) }
        try withDirectory(parent, name, path) { directory in
            for entry in try FileSystem.entries(of: directory.stream, path) {
                do {
                    try remove(directory.descriptor, entry.bytes, path.appending(entry.name))
                } catch {
                    // A directory that its owner may not write to, as some programs leave it.
                    guard fchmod(directory.descriptor, 0o700) == 0 else { throw error }
                    try remove(directory.descriptor, entry.bytes, path.appending(entry.name))
                }
            }
        }
        if unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        throw FileSystem.error("delete", path, errno)
    }

    private struct OpenDirectory {
        let stream: FileSystem.DirectoryStream
        let descriptor: CInt
    }

    private static func withDirectory(
        _ parent: CInt, _ name: [CChar], _ path: FilePath, _ body: (OpenDirectory) throws -> Void
    ) throws {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var descriptor = openat(parent, name, flags)
        if descriptor < 0, errno == EACCES, fchmodat(parent, name, 0o700, 0) == 0 {
            descriptor = openat(parent, name, flags)
        }
        guard descriptor >= 0 else { throw FileSystem.error("open", path, errno) }
        guard let stream = fdopendir(descriptor) else {
            let number = errno
            close(descriptor)
            throw FileSystem.error("list", path, number)
        }
        defer { closedir(stream) }
        try body(OpenDirectory(stream: stream, descriptor: descriptor))
    }

    private static func kind(
        of entry: FileSystem.Entry, in directory: OpenDirectory, _ path: FilePath
    ) throws -> mode_t {
        switch entry.type {
        case Int32(DT_DIR): return mode_t(S_IFDIR)
        case Int32(DT_REG): return mode_t(S_IFREG)
        case Int32(DT_UNKNOWN):
            var status = stat()
            guard fstatat(directory.descriptor, entry.bytes, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw FileSystem.error("look at", path, errno)
            }
            return status.st_mode & mode_t(S_IFMT)
        default: return 0
        }
    }
}

extension String {
    fileprivate var cString: [CChar] {
        utf8.map { CChar(bitPattern: $0) } + [0]
    }
}
