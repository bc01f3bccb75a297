// SPDX-License-Identifier: Apache-2.0

import LibC
package import PBT
package import SystemPackage

/// File operations whose errors name the operation, the path, the cause, and a remedy.
package enum FileSystem {
    /// Returns an error with the operation, the path, the system's message, and a remedy.
    package static func error(_ doing: String, _ path: FilePath, _ number: CInt) -> PBTError {
        let remedy =
            switch number {
            case ENOSPC: "free some space, or keep fewer checkpoints; pbt gc deletes unreferenced files"
            case EDQUOT: "the disk quota is used up: free some space; pbt gc deletes unreferenced files"
            case EACCES, EPERM: "check who owns it and its permissions"
            case EROFS: "the file system is read-only; put the store elsewhere"
            case EMFILE, ENFILE: "too many files are open: raise the limit (ulimit -n)"
            case ENOENT: "something in its path is missing"
            case ENOTDIR: "something in its path is a file, not a directory"
            case EIO: "the disk or the network file system fails; see the system log"
            case ENAMETOOLONG: "put the store at a shorter path"
            case EEXIST, ENOTEMPTY: "it already exists; pbt gc deletes leftovers"
            default: "see the reason"
            }
        return PBTError(
            .inputOutput, "cannot \(doing) \(path): \(Errno(rawValue: number)) (\(remedy))", systemError: number)
    }

    /// Returns true if an error means that the disk or the disk quota is full.
    package static func isDiskFull(_ error: any Error) -> Bool {
        guard let error = error as? PBTError, error.code == .inputOutput else { return false }
        return [ENOSPC, EDQUOT].contains(error.systemError)
    }

    /// Returns a message if less than 1 MiB or no inode is available on the file system of a path; nil if there is
    /// space, or the file system cannot be queried.
    package static func fullDisk(_ path: FilePath) -> String? {
        var status = statvfs()
        guard path.withPlatformString({ statvfs($0, &status) }) == 0 else { return nil }
        let remedy = "free some space, or keep fewer checkpoints"
        if UInt64(status.f_bavail).multiplied(saturatingBy: UInt64(status.f_frsize)) < 1 << 20 {
            return "the disk of \(path) is full: less than 1 MiB is left; \(remedy)"
        }
        // Some file systems have no fixed number of inodes and report 0 of 0.
        guard status.f_files > 0, status.f_favail == 0 else { return nil }
        return "the disk of \(path) is full: no inode is left (df -i); \(remedy)"
    }

    /// Creates a directory if it does not exist.
    package static func makeDirectory(_ path: FilePath) throws {
        if makeOne(path) == 0 || errno == EEXIST { return }
        throw error("create the directory", path, errno)
    }

    /// Creates a directory.
    ///
    /// - Returns: True if it was created; false if the path exists, or its parent is missing.
    package static func makeNewDirectory(_ path: FilePath) throws -> Bool {
        if makeOne(path) == 0 { return true }
        guard errno == EEXIST || errno == ENOENT else { throw error("create the directory", path, errno) }
        return false
    }

    /// Creates a directory and its missing parents.
    package static func makeDirectories(_ path: FilePath) throws {
        if makeOne(path) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, !path.removingLastComponent().isEmpty, path.lastComponent != nil else {
            throw error("create the directory", path, errno)
        }
        try makeDirectories(path.removingLastComponent())
        try makeDirectory(path)
    }

    /// Creates a directory that only its owner can access, regardless of the umask, if it does not exist.
    package static func makePrivateDirectory(_ path: FilePath) throws {
        if path.withPlatformString({ mkdir($0, 0o700) }) == 0 {
            guard path.withPlatformString({ chmod($0, 0o700) }) == 0 else { throw error("create", path, errno) }
        } else if errno != EEXIST {
            throw error("create the directory", path, errno)
        }
    }

    private static func makeOne(_ path: FilePath) -> CInt {
        path.withPlatformString { mkdir($0, 0o777) }
    }

    /// Returns true if a path exists, without following a symbolic link.
    package static func exists(_ path: FilePath) throws -> Bool {
        var status = stat()
        if path.withPlatformString({ lstat($0, &status) }) == 0 { return true }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw error("access", path, errno)
    }

    /// Returns the modification time of a file in nanoseconds since 1970; nil if there is no such file.
    package static func modified(_ path: FilePath) throws -> Int64? {
        var status = stat()
        guard path.withPlatformString({ stat($0, &status) }) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw error("access", path, errno)
        }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Makes a file or directory writable by its owner; symbolic links are left unchanged.
    ///
    /// - Returns: True if it is a directory.
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func makeUserWritable(_ path: FilePath) throws -> Bool {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else { throw error("access", path, errno) }
        let kind = status.st_mode & mode_t(S_IFMT)
        guard kind != mode_t(S_IFLNK) else { return false }
        guard path.withPlatformString({ chmod($0, status.st_mode & 0o7777 | 0o200) }) == 0 else {
            throw error("set the permissions of", path, errno)
        }
        return kind == mode_t(S_IFDIR)
    }

    /// Renames a file or directory; a directory that is not empty is never replaced.
    package static func move(_ source: FilePath, to target: FilePath) throws {
        let result = source.withPlatformString { source in target.withPlatformString { rename(source, $0) } }
        guard result == 0 else { throw error("rename \(source) to", target, errno) }
    }

    /// Flushes a directory to disk: the names that were created, renamed, or deleted in it.
    package static func synchronize(directory path: FilePath) throws {
        let descriptor = path.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw error("open", path, errno) }
        defer { close(descriptor) }
        try flush(descriptor, path)
    }

    /// Returns the names in a directory, sorted; empty if there is no such directory.
    package static func names(in path: FilePath) throws -> [String] {
        guard let stream = path.withPlatformString({ opendir($0) }) else {
            if errno == ENOENT { return [] }
            throw error("list", path, errno)
        }
        defer { closedir(stream) }
        return try entries(of: stream, path).map(\.name).sorted()
    }

    /// Returns the entries of an open directory, without `.` and `..`.
    static func entries(of stream: DirectoryStream, _ path: FilePath) throws -> [Entry] {
        var entries: [Entry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw error("list", path, errno) }
                return entries
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
                    name in
                    // The raw bytes: a name need not be UTF-8.
                    Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))
                }
            }
            let isSpecial = name == [0x2e, 0] || name == [0x2e, 0x2e, 0]
            if !isSpecial { entries.append(Entry(bytes: name, type: Int32(entry.pointee.d_type))) }
        }
    }

    #if canImport(Darwin)
        typealias DirectoryStream = UnsafeMutablePointer<DIR>
    #else
        typealias DirectoryStream = OpaquePointer
    #endif

    /// A directory entry.
    struct Entry {
        /// The name with its terminating zero.
        var bytes: [CChar]
        /// The file type (`d_type`); `DT_UNKNOWN` on some file systems.
        var type: Int32

        var name: String {
            String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Writes a small file, replacing its content.
    package static func write(_ text: String, to path: FilePath) throws {
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
        } catch let errno as Errno {
            throw error("write", path, errno.rawValue)
        }
    }

    /// Returns up to `limit` bytes of a file, from an offset on; none beyond its end, nil if there is no such file.
    package static func read(_ path: FilePath, from offset: Int64, limit: Int) throws -> [UInt8]? {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            return try file.closeAfter {
                let left = max(0, try file.seek(offset: 0, from: .end) - offset)
                var bytes: [UInt8] = []
                while bytes.count < min(Int64(limit), left) {
                    let wanted = Int(min(Int64(limit), left)) - bytes.count
                    let chunk = try [UInt8](unsafeUninitializedCapacity: min(wanted, 1 << 16)) { buffer, count in
                        count = try file.read(
                            fromAbsoluteOffset: offset + Int64(bytes.count), into: UnsafeMutableRawBufferPointer(buffer)
                        )
                    }
                    if chunk.isEmpty { break }
                    bytes += chunk
                }
                return bytes
            }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch let errno as Errno {
            throw error("read", path, errno.rawValue)
        }
    }

    /// Returns up to `limit` bytes from the end of a file; nil if there is no such file.
    package static func tail(of path: FilePath, limit: Int) throws -> [UInt8]? {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            return try file.closeAfter {
                let size = Int(try file.seek(offset: 0, from: .end))
                let start = max(0, size - limit)
                var bytes: [UInt8] = []
                while bytes.count < size - start {
                    let chunk = try [UInt8](unsafeUninitializedCapacity: min(size - start - bytes.count, 1 << 16)) {
                        buffer, count in
                        count = try file.read(
                            fromAbsoluteOffset: Int64(start + bytes.count), into: UnsafeMutableRawBufferPointer(buffer))
                    }
                    if chunk.isEmpty { break }
                    bytes += chunk
                }
                return bytes
            }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch let errno as Errno {
            throw error("read", path, errno.rawValue)
        }
    }
}
