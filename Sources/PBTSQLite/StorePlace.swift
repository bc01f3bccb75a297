// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file that a path named when a store was opened.
///
/// A process goes on writing to a file that was deleted or renamed under it, and nobody ever sees what it writes.
struct StorePlace: Sendable, Equatable {
    /// What became of the file at the path.
    enum Change: Sendable {
        case removed, replaced
    }

    private let path: String
    private let device: UInt64
    private let number: UInt64

    /// Records which file a path names.
    ///
    /// - Throws: A `PBTError` with code `unusableStore` when there is none.
    init(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw PBTError(
                .unusableStore, "the store \(path) cannot be looked at: \(String(cString: strerror(errno)))")
        }
        self.path = path
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// Returns what became of the file; nil while the path still names it, or when that cannot be told.
    var change: Change? {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno == ENOENT || errno == ENOTDIR ? .removed : nil }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == number ? nil : .replaced
    }

    /// Throws when the path no longer names the file.
    ///
    /// - Throws: A `PBTError` with code `unusableStore`.
    func check() throws {
        switch change {
        case nil: return
        case .removed?:
            throw PBTError(
                .unusableStore,
                "the store \(path) was removed or renamed while it was in use; nothing more is recorded in it. Put the "
                    + "file back, or restore it from a backup, and run the same command again")
        case .replaced?:
            throw PBTError(
                .unusableStore,
                "the store \(path) was replaced by another file while it was in use; nothing more is recorded in "
                    + "either. Make sure that the right file is there, and run the same command again")
        }
    }
}
