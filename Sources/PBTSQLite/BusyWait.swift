// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A busy handler that retries a locked file after short random sleeps, which is fair to all processes.
///
/// Measured: with SQLite's own busy timeout, one of several processes in a tight loop starves the others.
final class BusyWait: Sendable {
    /// False if calls in this task must not wait.
    @TaskLocal static var isPatient = true

    private let patience: Duration
    private let isOver = Latch()
    private let began = Mutex(ContinuousClock.now)

    init(patience: Duration) {
        self.patience = patience
    }

    /// Ends all present and later waits, since the store is being closed.
    func giveUp() {
        isOver.set()
    }

    /// Sleeps briefly, and returns true to retry.
    ///
    /// - Parameter tries: The number of waits for this lock so far.
    /// - Returns: False if the timeout is exceeded.
    @Sendable func wait(tries: Int) -> Bool {
        guard Self.isPatient, !isOver.isSet else { return false }
        if tries == 0 { began.withLock { $0 = .now } }
        guard ContinuousClock.now - began.withLock({ $0 }) < patience else { return false }
        Self.pause(tries: tries)
        return true
    }

    /// Sleeps 20 to 100 µs at first, and up to five times as long later.
    static func pause(tries: Int) {
        let longest = 100 * min(1 + tries / 20, 5)
        usleep(UInt32.random(in: 20...UInt32(longest)))
    }
}
