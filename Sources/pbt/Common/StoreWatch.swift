// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTSQLite
import ServiceLifecycle
import SystemPackage

/// Ends a process whose store or data directory was removed or replaced under it.
///
/// Every transaction looks too; this is for a process that makes none, and for the programs that it trains.
struct StoreWatch: Service {
    let opened: OpenStore
    /// Between two looks, which cost two system calls.
    var pause = Duration.seconds(1)

    /// Looks until it is shut down.
    ///
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/unusableStore``.
    func run() async throws {
        guard let store = opened.store as? SQLiteStore else { return try await gracefulShutdown() }
        // Before the first attempt would create it, so that there is something to compare with.
        try opened.data?.makeRoot()
        let data = PlaceIdentity(opened.data?.root)
        @Sendable func look() throws {
            try store.checkInPlace()
            guard let root = opened.data?.root, PlaceIdentity(root) != data else { return }
            throw PBTError(
                .unusableStore,
                "the data directory \(root) was removed or replaced while it was in use: the checkpoints of "
                    + "\(opened.location) are not there. Put it back, or restore both from a backup, and run "
                    + "the same command again")
        }
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try look()
                    try await Task.sleep(for: pause)
                }
            }
        } catch is CancellationError {
            // That is how it ends; what happened since the last look counts too.
            try look()
        }
    }
}
