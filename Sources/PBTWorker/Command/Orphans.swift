// SPDX-License-Identifier: Apache-2.0

import CSpawn
import LibC
import PBTCheckpoints
import Synchronization
import SystemPackage

/// The descendants of this process whose own parents have ended: daemons, and workers whose launcher was killed.
package enum Orphans {
    private static let state = Mutex(false)

    /// Makes this process a child subreaper: it becomes the parent of its orphans, and reaps them as they end.
    ///
    /// For a process whose only children are trainers. Does nothing where the system has no subreapers (macOS).
    package static func adopt() {
        state.withLock { isAdopting in
            guard !isAdopting, pbt_adopt_orphans() == 0 else { return }
            isAdopting = true
            // For as long as the process lives: an orphan may end while nothing else happens.
            Task.detached(priority: .background) {
                while !Task.isCancelled {
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                    reap()
                }
            }
        }
    }

    /// Whether this process has adopted its orphans.
    static var areAdopted: Bool {
        state.withLock { $0 }
    }

    /// Reaps the orphans that have ended.
    static func reap() {
        guard areAdopted else { return }
        for child in children() ?? [] { _ = pbt_reap_orphan(child) }
    }

    /// The children of this process that it did not start, living or dead; none when that cannot be told.
    static func children() -> [Int32]? {
        #if os(Linux)
            guard let threads = try? FileSystem.names(in: "/proc/self/task"), !threads.isEmpty else { return nil }
            var found: [Int32] = []
            var isComplete = false
            for thread in threads {
                // A thread that has ended meanwhile has handed its children to another one.
                guard let text = ProcessIdentity.text(of: "/proc/self/task/\(thread)/children") else { continue }
                isComplete = true
                found += text.split(separator: " ").compactMap { Int32($0) }.filter { pbt_is_started($0) == 0 }
            }
            return isComplete ? found : nil
        #else
            return nil
        #endif
    }
}
