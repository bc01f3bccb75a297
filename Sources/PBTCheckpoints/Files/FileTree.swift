// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// Recursive operations on directories.
///
/// Symbolic links are never followed. Traversal is relative to open directories, so that replacing a directory by a
/// link has no effect.
package enum FileTree {
    /// Flushes every file and directory of a tree to disk.
    package static func synchronize(_ path: FilePath) throws {
        try withDirectory(AT_FDCWD, path.string.cString, path) { try synchronize(directory: $0, path) }
    }

    /// Returns the total size in bytes of the files of a tree; 0 if there is no such tree.
    package static func size(_ path: FilePath) throws -> Int64 {
        guard try FileSystem.exists(path) else { return 0 }
        var total: Int64 = 0
        try withDirectory(AT_FDCWD, path.string.cString, path) { try add(sizeOf: $0, path, to: &total) }
        return total
    }

    /// Deletes a tree or a single file, if it exists.
    package static func remove(_ path: FilePath) throws {
        try remove(AT_FDCWD, path.string.cString, path)
    }

    /// Renames a directory and deletes it, so that other processes see it complete or not at all.
    ///
    /// Neither path may end in a symbolic link, and only a directory is deleted.
    ///
    /// - Parameters:
    ///   - name: The name of the directory in `source`.
    ///   - source: The parent directory.
    ///   - target: A directory on the same file system to move it to.
    ///   - trash: The temporary name in `target`; an existing entry of that name is deleted.
    /// - Returns: The kind of entry that was found.
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
            throw FileSystem.error("access", source.appending(name), errno)
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

    /// The result of ``retire(_:in:through:as:)``.
    package enum Retired: Sendable {
        /// The directory was deleted.
        case deleted
        /// There is no such entry.
        case absent
        /// The entry is a file or a symbolic link and was left unchanged.
        case notADirectory
    }

    /// Opens a directory without following a symbolic link; nil if it does not exist.
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
                throw FileSystem.error("access", inner, errno)
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
        // Most directories are empty or have a file or two; an empty one is deleted without being listed.
        if unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        guard errno == ENOTEMPTY || errno == EEXIST else { throw FileSystem.error("delete", path, errno) }
        try withDirectory(parent, name, path) { directory in
            for entry in try FileSystem.entries(of: directory.stream, path) {
                do {
                    try remove(directory.descriptor, entry.bytes, path.appending(entry.name))
                } catch {
                    // Some programs leave directories that their owner cannot write to.
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
                throw FileSystem.error("access", path, errno)
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
