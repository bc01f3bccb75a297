// SPDX-License-Identifier: Apache-2.0

import CSpawn
import LibC
import PBTCheckpoints
import Synchronization
import SystemPackage

/// The descendants of this process whose parents have ended: daemons, and workers whose launcher was killed.
package enum Orphans {
    private static let state = Mutex(false)

    /// Makes this process a child subreaper: it becomes the parent of its orphans, and reaps them when they end.
    ///
    /// For a process whose only children are trainers. Has no effect on systems without subreapers (macOS).
    package static func adopt() {
        state.withLock { isAdopting in
            guard !isAdopting, pbt_adopt_orphans() == 0 else { return }
            isAdopting = true
            // For the lifetime of the process: an orphan can end at any time.
            Task.detached(priority: .background) {
                while !Task.isCancelled {
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                    reap()
                }
            }
        }
    }

    /// True if this process adopts its orphans.
    static var areAdopted: Bool {
        state.withLock { $0 }
    }

    /// Reaps orphans that have ended.
    static func reap() {
        guard areAdopted else { return }
        for child in children() ?? [] { _ = pbt_reap_orphan(child) }
    }

    /// Returns the children that this process did not start, alive or dead; nil if they are unknown.
    static func children() -> [Int32]? {
        #if os(Linux)
            guard let threads = try? FileSystem.names(in: "/proc/self/task"), !threads.isEmpty else { return nil }
            var found: [Int32] = []
            var isComplete = false
            for thread in threads {
                // The children of a thread that has ended are those of another thread now.
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
