// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The identity of the file that a path referred to when a store was opened.
///
/// Writes to a file that was deleted or renamed meanwhile would be lost silently.
struct StorePlace: Sendable, Equatable {
    /// A change of the file at the path.
    enum Change: Sendable {
        case removed, replaced
    }

    private let path: String
    private let device: UInt64
    private let number: UInt64

    /// Records the identity of the file at a path.
    ///
    /// - Throws: A `PBTError` with code `unusableStore` if there is none.
    init(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw PBTError(
                .unusableStore, "the store \(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        self.path = path
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// The change of the file; nil if the path still refers to it, or if that is unknown.
    var change: Change? {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno == ENOENT || errno == ENOTDIR ? .removed : nil }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == number ? nil : .replaced
    }

    /// Throws if the path no longer refers to the file.
    ///
    /// - Throws: A `PBTError` with code `unusableStore`.
    func check() throws {
        switch change {
        case nil: return
        case .removed?:
            throw PBTError(
                .unusableStore,
                "the store \(path) was removed or renamed while it was in use; nothing more is recorded in it. Put the "
                    + "file back, or restore it from a backup, and rerun the same command")
        case .replaced?:
            throw PBTError(
                .unusableStore,
                "the store \(path) was replaced by another file while it was in use; nothing more is recorded in "
                    + "either. Make sure that the right file is in place, and rerun the same command")
        }
    }
}
