// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// An open file below a directory, opened without following symbolic links.
///
/// Closed when this object is released.
package final class OpenFile: Sendable {
    private let descriptor: CInt
    /// The path of the file, for messages.
    package let path: FilePath

    /// Opens a file for reading.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint` if there is no such file, `badValue` if it is not a regular file,
    ///   `inputOutput`.
    package convenience init(reading path: TransferPath, below root: FilePath) throws {
        try self.init(path, below: root, flags: O_RDONLY, isCreating: false)
    }

    /// Opens a file for reading, and follows symbolic links that stay inside the directory.
    ///
    /// - Throws: As ``init(reading:below:)``.
    package convenience init(following path: TransferPath, below root: FilePath) throws {
        let names = try FileSystem.resolved(path.names, below: root)
        guard !names.isEmpty else { throw Self.error(path.below(root), EISDIR) }
        try self.init(try TransferPath(names.joined(separator: "/")), below: root, flags: O_RDONLY, isCreating: false)
    }

    /// Opens a file for writing, and creates it and its parent directories if they are missing.
    ///
    /// - Throws: A `PBTError` with code `badValue` or `inputOutput`.
    package convenience init(writing path: TransferPath, below root: FilePath) throws {
        try self.init(path, below: root, flags: O_RDWR | O_CREAT, isCreating: true)
    }

    private init(_ path: TransferPath, below root: FilePath, flags: CInt, isCreating: Bool) throws {
        self.path = path.below(root)
        var directory = try Self.openRoot(root)
        defer { close(directory) }
        var here = root
        for name in path.names.dropLast() {
            here.append(name)
            if isCreating, mkdirat(directory, name, 0o777) != 0, errno != EEXIST {
                throw FileSystem.error("create the directory", here, errno)
            }
            let next = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw Self.error(here, errno) }
            close(directory)
            directory = next
        }
        descriptor = openat(
            directory, path.names[path.names.count - 1], flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.error(self.path, errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw PBTError(.badValue, "\(self.path) is not a regular file")
        }
    }

    private static func openRoot(_ root: FilePath) throws -> CInt {
        let descriptor = root.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw error(root, errno) }
        return descriptor
    }

    private static func error(_ path: FilePath, _ number: CInt) -> PBTError {
        switch number {
        case ENOENT: PBTError(.noSuchCheckpoint, "there is no \(path)")
        case ELOOP, ENOTDIR, EISDIR:
            PBTError(.badValue, "\(path) is not of the expected type: it is a link, or a directory instead of a file")
        default: FileSystem.error("open", path, number)
        }
    }

    deinit {
        close(descriptor)
    }

    /// Returns the size of the file in bytes.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func size() throws -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileSystem.error("access", path, errno) }
        return Int64(status.st_size)
    }

    /// Reads bytes from a position in the file.
    ///
    /// - Parameters:
    ///   - offset: The position in bytes.
    ///   - buffer: Receives the bytes.
    /// - Returns: The number of bytes that were read: fewer than the buffer holds, or 0, at the end of the file.
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let result = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if result >= 0 {
                precondition(result <= buffer.count, "pread returned more bytes than requested")
                return result
            }
            guard errno == EINTR else { throw FileSystem.error("read", path, errno) }
        }
    }

    /// Writes all bytes at a position in the file.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        var done = 0
        while done < bytes.count {
            let result = pwrite(
                descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + off_t(done))
            if result > 0 {
                done += result
            } else if errno != EINTR {
                throw FileSystem.error("write", path, errno)
            }
        }
    }

    /// Truncates the file to a size, or extends it with zeros.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func truncate(to size: Int64) throws {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileSystem.error("write", path, errno) }
    }

    /// Makes the file executable for everyone who can read it.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func makeExecutable() throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileSystem.error("access", path, errno) }
        let readers = status.st_mode & 0o444
        guard fchmod(descriptor, status.st_mode & 0o777 | readers >> 2) == 0 else {
            throw FileSystem.error("change the mode of", path, errno)
        }
    }
}
