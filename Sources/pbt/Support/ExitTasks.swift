// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What this process must put in order before it ends: stores to close, unfinished files to delete.
///
/// The one place for it. ``ExitStatus/leave()`` and the end of ``Pbt/main()`` call ``close()``, and so do the signals that
/// would otherwise end a process at once.
enum OpenStores {
    private struct State {
        var stores: [SQLiteStore] = []
        var tasks: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }

    private static let state = Mutex(State())

    /// Has a store closed at the end of the process.
    static func add(_ store: SQLiteStore) {
        ExitSignals.install()
        state.withLock { $0.stores.append(store) }
    }

    /// Has something done at the end of the process.
    ///
    /// - Returns: A number for ``remove(_:)``.
    static func add(_ task: @escaping @Sendable () -> Void) -> Int {
        ExitSignals.install()
        return state.withLock { state in
            state.next += 1
            state.tasks[state.next] = task
            return state.next
        }
    }

    /// Has that no longer done.
    static func remove(_ number: Int) {
        state.withLock { $0.tasks[number] = nil }
    }

    /// Closes all stores, and does what else is to be done.
    static func close() {
        let (stores, tasks) = state.withLock { state in
            defer { (state.stores, state.tasks) = ([], [:]) }
            return (state.stores, state.tasks)
        }
        for (_, task) in tasks.sorted(by: { $0.key < $1.key }) { task() }
        for store in stores {
            do {
                try store.close()
            } catch {
                Output.warn(
                    "\((error as? PBTError)?.message ?? "\(error)"). Keep \(store.path)-wal beside the store: the last "
                        + "changes are in it")
            }
        }
    }
}
