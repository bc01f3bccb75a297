// SPDX-License-Identifier: Apache-2.0

public import PBT
import Synchronization

/// A clock that only advances manually.
public final class ManualClock: Sendable {
    private struct Hands {
        var now: Timestamp
        /// The milliseconds of the monotonic clock.
        var steady: Int64 = 1_000_000
        /// The milliseconds by which a process detects that it was suspended.
        var pulse: Int64 = 1_000_000
    }

    private let hands: Mutex<Hands>

    /// Creates a clock that shows a time.
    public init(_ start: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) {
        hands = Mutex(Hands(now: start))
    }

    /// Advances the clock while the store is active.
    public func advance(by duration: Duration) {
        hands.withLock { hands in
            hands.now = hands.now.advanced(by: duration)
            hands.steady += Self.milliseconds(duration)
        }
    }

    /// Steps the time of day forward, or back by a negative duration, as by NTP, by hand, or after a suspension of the
    /// machine.
    public func step(by duration: Duration) {
        hands.withLock { $0.now = $0.now.advanced(by: duration) }
    }

    /// Advances the clock while the processes that have the store open are suspended, as by SIGSTOP.
    public func stop(for duration: Duration) {
        advance(by: duration)
        hands.withLock { $0.pulse += Self.milliseconds(duration) }
    }

    /// The present time of day.
    public var now: Timestamp {
        hands.withLock { $0.now }
    }

    /// The clock of a store.
    public var store: StoreClock {
        StoreClock(
            { self.now }, steady: SteadyClock(boot: "manual") { self.hands.withLock { $0.steady } },
            pulse: { self.hands.withLock { $0.pulse } })
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
