// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

/// An open file of a checkpoint, closed when this object is released.
final class SealedFile {
    /// The bytes of each of the three samples of a large file.
    private static let sample: Int64 = 1 << 20

    private let descriptor: CInt
    private let path: FilePath

    /// Opens a file without following a symbolic link.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    init(_ path: FilePath) throws {
        self.path = path
        descriptor = path.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileSystem.error("open", path, errno) }
    }

    deinit {
        close(descriptor)
    }

    /// Returns the properties of the file that reveal a change.
    func identity() throws -> FileIdentity {
        FileIdentity(try status())
    }

    private func status() throws -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileSystem.error("access", path, errno) }
        return status
    }

    /// Makes the file read-only, unless it has other hard links, which can be outside of the data directory.
    ///
    /// A file of another user is left unchanged.
    func makeReadOnly() throws {
        let status = try status()
        guard status.st_nlink == 1, status.st_mode & 0o222 != 0 else { return }
        guard fchmod(descriptor, status.st_mode & 0o555) == 0 || errno == EPERM else {
            throw FileSystem.error("change the mode of", path, errno)
        }
    }

    /// Returns the SHA-256 of all bytes, or of the first, the middle, and the last MiB.
    func digest(size: Int64, isSampled: Bool) throws -> String {
        var checksum = Checksum()
        if isSampled {
            for start in [0, size / 2 - Self.sample / 2, size - Self.sample] {
                try add(from: max(0, start), count: Self.sample, to: &checksum)
            }
        } else {
            try add(from: 0, count: .max, to: &checksum)
        }
        return checksum.text
    }

    private func add(from start: Int64, count: Int64, to checksum: inout Checksum) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        var done: Int64 = 0
        while done < count {
            let wanted = Int(min(Int64(buffer.count), count - done))
            let result = pread(descriptor, buffer.baseAddress, wanted, off_t(start + done))
            if result < 0 {
                guard errno == EINTR else { throw FileSystem.error("read", path, errno) }
                continue
            }
            if result == 0 { return }
            checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<result]))
            done += Int64(result)
        }
    }
}

extension FileSystem {
    /// Returns the system time in nanoseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Makes all files below a directory read-only, so that a measured checkpoint is not changed by mistake.
    ///
    /// Directories stay writable: they are deleted later, and trainers copy them and write into the copy.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    static func makeFilesReadOnly(_ root: FilePath) throws {
        for name in try names(in: root) {
            let path = root.appending(name)
            switch try kind(of: path) {
            case mode_t(S_IFREG): try SealedFile(path).makeReadOnly()
            case mode_t(S_IFDIR): try makeFilesReadOnly(path)
            default: break
            }
        }
    }
}
