// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// What tells a file or directory from every other that was at its path before, and from itself before its last change.
package struct FileIdentity: Sendable, Hashable {
    /// The file system.
    package let device: UInt64
    /// The number of the file on it.
    package let inode: UInt64
    /// In bytes.
    package let size: Int64
    /// When its contents last changed, in nanoseconds since 1970.
    package let modified: Int64
    /// When its contents or its own properties last changed, in nanoseconds since 1970.
    package let changed: Int64

    /// The file at a path; a symbolic link counts as itself.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package init(of path: FilePath) throws {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
            throw FileSystem.error("look at", path, errno)
        }
        self.init(status)
    }

    init(_ status: stat) {
        func nanoseconds(_ time: timespec) -> Int64 {
            Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
        }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        size = Int64(status.st_size)
        #if canImport(Darwin)
            modified = nanoseconds(status.st_mtimespec)
            changed = nanoseconds(status.st_ctimespec)
        #else
            modified = nanoseconds(status.st_mtim)
            changed = nanoseconds(status.st_ctim)
        #endif
    }
}
