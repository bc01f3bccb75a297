// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTSQLite
import Synchronization

/// The work that is left for the end of the process: stores to close, unfinished files to delete.
///
/// ``leave(_:)`` and the end of ``Pbt/main()`` call ``run()``, and so do the signals that would otherwise end the
/// process immediately.
enum ExitTasks {
    private struct State {
        var stores: [SQLiteStore] = []
        var tasks: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }

    private static let state = Mutex(State())

    /// Closes a store at the end of the process.
    static func add(_ store: SQLiteStore) {
        ExitSignals.install()
        state.withLock { $0.stores.append(store) }
    }

    /// Runs a task at the end of the process.
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

    /// Removes a task, which is not run then.
    static func remove(_ number: Int) {
        state.withLock { $0.tasks[number] = nil }
    }

    /// Runs all tasks in the order in which they were added, then closes all stores.
    static func run() {
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
                    "\((error as? PBTError)?.message ?? "\(error)"). Keep \(store.path)-wal next to the store: the last "
                        + "changes are in it")
            }
        }
    }

    /// Runs all tasks, and ends the process with an exit code.
    static func leave(_ status: ExitStatus) -> Never {
        run()
        exit(status.rawValue)
    }
}
