// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// Properties that identify a file or directory and its state: they differ after it was replaced or changed.
package struct FileIdentity: Sendable, Hashable {
    /// The device number of the file system.
    package let device: UInt64
    /// The inode number.
    package let inode: UInt64
    /// The size in bytes.
    package let size: Int64
    /// The modification time (`mtime`), in nanoseconds since 1970.
    package let modified: Int64
    /// The status change time (`ctime`), in nanoseconds since 1970.
    package let changed: Int64

    /// Reads the properties of a file, without following a symbolic link.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package init(of path: FilePath) throws {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
            throw FileSystem.error("access", path, errno)
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
