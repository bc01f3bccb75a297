// SPDX-License-Identifier: Apache-2.0

import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells a file or directory from any other that has, or had, the same path.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let number: UInt64

    /// The file at a path now; none when there is none.
    init?(_ path: FilePath?) {
        var status = stat()
        guard let path, path.withPlatformString({ stat($0, &status) }) == 0 else { return nil }
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
