// SPDX-License-Identifier: Apache-2.0

public import PBT
import Synchronization

/// A clock that stands still until it is told to go on.
public final class ManualClock: Sendable {
    private struct Hands {
        var now: Timestamp
        /// Milliseconds that nobody sets.
        var steady: Int64 = 1_000_000
        /// Milliseconds by which a process sees that it was stopped.
        var pulse: Int64 = 1_000_000
    }

    private let hands: Mutex<Hands>

    /// A clock that shows that time.
    public init(_ start: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) {
        hands = Mutex(Hands(now: start))
    }

    /// Goes on by that much, while the store is at work.
    public func advance(by duration: Duration) {
        hands.withLock { hands in
            hands.now = hands.now.advanced(by: duration)
            hands.steady += Self.milliseconds(duration)
        }
    }

    /// Sets the time of day forward, or back by a negative duration, as NTP and people do, and as the time of day does
    /// while a machine is suspended.
    public func step(by duration: Duration) {
        hands.withLock { $0.now = $0.now.advanced(by: duration) }
    }

    /// Goes on by that much while the processes that have the store open are stopped, as by SIGSTOP.
    public func stop(for duration: Duration) {
        advance(by: duration)
        hands.withLock { $0.pulse += Self.milliseconds(duration) }
    }

    /// The time of day now.
    public var now: Timestamp {
        hands.withLock { $0.now }
    }

    /// The clock for a store.
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
