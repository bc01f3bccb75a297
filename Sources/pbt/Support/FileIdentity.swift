// SPDX-License-Identifier: Apache-2.0

import LibC
import SystemPackage

/// The identity of a file or directory, which another one at the same path does not share.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let number: UInt64

    /// Reads the identity of the file at a path; nil when there is none.
    init?(_ path: FilePath?) {
        var status = stat()
        guard let path, path.withPlatformString({ stat($0, &status) }) == 0 else { return nil }
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// Returns true if a file's mode lets users other than its owner read it.
    static func isReadableByOthers(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o044 != 0
    }
}
