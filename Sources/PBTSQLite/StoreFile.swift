// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file of a store, and its side files.
///
/// Only SQLite opens a store file: closing any descriptor of it would release the locks that SQLite holds for this
/// process. A ``PrivateCopy`` reads a file that this process cannot have open for writing.
enum StoreFile {
    /// Returns the paths of the write-ahead log and of its shared index.
    static func sideFiles(of path: String) -> [String] {
        ["\(path)-wal", "\(path)-shm"]
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func isReadable(_ path: String) -> Bool {
        access(path, R_OK) == 0
    }

    /// Returns the directory of a file.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Returns true if this process can write to a store: to the file, and to the directory of its side files.
    static func isWritable(_ path: String) -> Bool {
        guard access(path, W_OK) == 0 else { return false }
        return access(directory(of: path), W_OK | X_OK) == 0 || sideFiles(of: path).allSatisfy { access($0, W_OK) == 0 }
    }

    /// Creates an empty file that only its owner can read, regardless of the umask; keeps an existing one.
    ///
    /// SQLite gives its side files the same permissions.
    static func create(_ path: String) throws {
        #if os(Linux)
            // Opens no descriptor, so none is closed: another thread may already have the file open.
            guard mknod(path, S_IFREG | 0o600, 0) == 0 else { return try check(errno, creating: path) }
        #else
            let file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
            guard file >= 0 else { return try check(errno, creating: path) }
            close(file)
        #endif
        guard chmod(path, 0o600) == 0 else { return try check(errno, creating: path) }
    }

    private static func check(_ number: Int32, creating path: String) throws {
        switch number {
        case EEXIST: return
        // The file system does not support this: SQLite reports an error, or creates the file itself.
        case EPERM, ENOTSUP: return
        case ENOSPC, EDQUOT:
            throw PBTError(
                .inputOutput, "the disk of the store \(path) is full; free some space and retry, nothing is lost")
        default:
            throw PBTError(
                .unusableStore,
                "the store \(path) cannot be created: \(String(cString: strerror(number))); check the permissions of "
                    + "its directory")
        }
    }
}
