// SPDX-License-Identifier: Apache-2.0

public import PBT
import Synchronization

/// A clock that stands still until it is told to go on.
public final class ManualClock: Sendable {
    private let time: Mutex<Timestamp>

    /// A clock that shows that time.
    public init(_ start: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) {
        time = Mutex(start)
    }

    /// Goes on by that much.
    public func advance(by duration: Duration) {
        time.withLock { $0 = $0.advanced(by: duration) }
    }

    /// The time now.
    public var now: Timestamp {
        time.withLock { $0 }
    }

    /// The clock for a store.
    public var store: StoreClock {
        StoreClock { self.now }
    }
}
