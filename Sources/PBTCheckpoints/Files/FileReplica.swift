// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// Replicates file trees by hard links where the file system supports them, otherwise by copies.
///
/// Permissions, modification times, and symbolic links are preserved.
package enum FileReplica {
    /// The error of a source that was deleted or renamed while it was read.
    package struct Vanished: Error {}

    /// Replicates a tree that other processes may delete concurrently.
    ///
    /// - Parameters:
    ///   - source: A directory or a file.
    ///   - target: A path that does not exist yet.
    ///   - isLinking: True if files may be hard-linked. Pass false for files that are still written to.
    /// - Throws: ``Vanished`` if the source was deleted, with nothing left at the target; a `PBTError` with code
    ///   `inputOutput`.
    package static func make(_ source: FilePath, at target: FilePath, linking isLinking: Bool = true) throws {
        do {
            let before = try identity(source)
            try replicate(source, target, isLinking)
            // Directories are renamed before they are deleted: if it still exists, it was complete.
            guard try identity(source) == before else { throw Vanished() }
        } catch {
            try FileTree.remove(target)
            throw error
        }
    }

    /// The identity of a file or directory, which differs for a later one of the same name.
    package struct Identity: Equatable, Sendable {
        let device: UInt64
        let number: UInt64
    }

    /// Returns the identity of a file or directory.
    ///
    /// - Throws: ``Vanished`` if it does not exist; a `PBTError` with code `inputOutput`.
    package static func identity(_ path: FilePath) throws -> Identity {
        let status = try status(path)
        return Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }

    private static func status(_ path: FilePath) throws -> stat {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else { throw failure("access", path) }
        return status
    }

    /// Returns the error of the last system call: ``Vanished`` if the source does not exist.
    private static func failure(_ doing: String, _ path: FilePath) -> any Error {
        errno == ENOENT || errno == ENOTDIR ? Vanished() : FileSystem.error(doing, path, errno)
    }

    private static func replicate(_ source: FilePath, _ target: FilePath, _ isLinking: Bool) throws {
        let status = try status(source)
        switch status.st_mode & mode_t(S_IFMT) {
        case mode_t(S_IFDIR):
            try FileSystem.makeDirectory(target)
            guard let stream = source.withPlatformString({ opendir($0) }) else { throw failure("list", source) }
            defer { closedir(stream) }
            for entry in try FileSystem.entries(of: stream, source) {
                // The raw bytes: a name need not be UTF-8.
                let name = FilePath(platformString: entry.bytes)
                try replicate(source.pushing(name), target.pushing(name), isLinking)
            }
            // Last: the directory can be read-only.
            guard target.withPlatformString({ chmod($0, status.st_mode & 0o7777) }) == 0 else {
                throw FileSystem.error("set the permissions of", target, errno)
            }
            try FileSystem.synchronize(directory: target)
        case mode_t(S_IFREG):
            if isLinking {
                let result = source.withPlatformString { source in
                    target.withPlatformString { linkat(AT_FDCWD, source, AT_FDCWD, $0, 0) }
                }
                if result == 0 { return }
                // Another file system, no support for links, too many links, or a file of another user.
                guard [EXDEV, EPERM, EACCES, EMLINK, ENOTSUP, ENOSYS].contains(errno) else {
                    throw failure("link", source)
                }
            }
            try copy(source, target, status)
        case mode_t(S_IFLNK):
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            let count = source.withPlatformString { readlink($0, &buffer, Int(PATH_MAX)) }
            guard count >= 0 else { throw failure("read", source) }
            guard target.withPlatformString({ symlink(buffer, $0) }) == 0 else {
                throw FileSystem.error("create", target, errno)
            }
        default:
            throw PBTError(.inputOutput, "cannot copy \(source): neither a file, a directory nor a link")
        }
    }

    private static func copy(_ source: FilePath, _ target: FilePath, _ status: stat) throws {
        let input = source.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard input >= 0 else { throw failure("open", source) }
        defer { close(input) }
        let output = target.withPlatformString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        guard output >= 0 else { throw FileSystem.error("create", target, errno) }
        defer { close(output) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &buffer, buffer.count)
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw FileSystem.error("read", source, errno)
            }
            var written = 0
            while written < count {
                let step = buffer[written..<count].withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
                guard step >= 0 || errno == EINTR else { throw FileSystem.error("write", target, errno) }
                written += max(0, step)
            }
        }
        #if canImport(Darwin)
            var times = [status.st_atimespec, status.st_mtimespec]
        #else
            var times = [status.st_atim, status.st_mtim]
        #endif
        guard futimens(output, &times) == 0, fchmod(output, status.st_mode & 0o7777) == 0, fsync(output) == 0 else {
            throw FileSystem.error("write", target, errno)
        }
    }
}
