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

/// Waits for a locked file in short random sleeps, so that every process gets its turn.
///
/// Measured: with SQLite's own busy timeout, one of several processes in a tight loop gets everything.
final class BusyWait: Sendable {
    /// Whether calls on this thread wait at all.
    @TaskLocal static var isPatient = true

    private let patience: Duration
    private let isOver = Latch()
    private let began = Mutex(ContinuousClock.now)

    init(patience: Duration) {
        self.patience = patience
    }

    /// Ends all waits, now and later: the store is being closed.
    func giveUp() {
        isOver.set()
    }

    /// Sleeps a little, and returns whether to try again.
    ///
    /// - Parameter tries: How often this lock was waited for before.
    /// - Returns: False when the patience is at its end.
    @Sendable func wait(tries: Int) -> Bool {
        guard Self.isPatient, !isOver.isSet else { return false }
        if tries == 0 { began.withLock { $0 = .now } }
        guard ContinuousClock.now - began.withLock({ $0 }) < patience else { return false }
        Self.pause(tries: tries)
        return true
    }

    /// Sleeps a little: 20 to 100 µs at first, at most five times that when the wait is long.
    static func pause(tries: Int) {
        let longest = 100 * min(1 + tries / 20, 5)
        usleep(UInt32.random(in: 20...UInt32(longest)))
    }
}
