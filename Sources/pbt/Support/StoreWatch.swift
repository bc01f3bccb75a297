// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTSQLite
import ServiceLifecycle
import SystemPackage

/// A service that fails when the store or data directory is removed or replaced while in use.
///
/// Every transaction checks this too; the service is for a process that makes none, and for the trainers it runs.
struct StoreWatch: Service {
    let opened: OpenStore
    /// The time between two checks, each of which costs two system calls.
    var pause = Duration.seconds(1)

    /// Checks until the service is shut down.
    ///
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/unusableStore``.
    func run() async throws {
        guard let store = opened.store as? SQLiteStore else { return try await gracefulShutdown() }
        // Created before the first attempt would, so that there is an identity to compare with.
        try opened.data?.makeRoot()
        let data = FileIdentity(opened.data?.root)
        @Sendable func check() throws {
            try store.checkInPlace()
            guard let root = opened.data?.root, FileIdentity(root) != data else { return }
            throw PBTError(
                .unusableStore,
                "the data directory \(root) was removed or replaced while it was in use: the checkpoints of "
                    + "\(opened.location) are not there. Put it back, or restore both from a backup, and rerun "
                    + "the same command")
        }
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try check()
                    try await Task.sleep(for: pause)
                }
            }
        } catch is CancellationError {
            // The service was shut down; one last check covers the time since the previous one.
            try check()
        }
    }
}
