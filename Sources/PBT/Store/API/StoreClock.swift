// SPDX-License-Identifier: Apache-2.0

/// A clock that nobody sets, and that stands still while the machine is suspended.
package struct SteadyClock: Sendable {
    /// What tells the clock from others, such as that of the machine before it was restarted.
    package let boot: String
    private let read: @Sendable () -> Int64

    package init(boot: String, _ read: @escaping @Sendable () -> Int64) {
        self.boot = boot
        self.read = read
    }

    /// The milliseconds since some time.
    package func now() -> Int64 {
        read()
    }
}

/// The time that a store goes by.
///
/// Leases go by a clock that is not set and does not run while the machine is suspended, where there is one: a step of
/// the system's clock and a closed laptop cost no lease.
public struct StoreClock: Sendable {
    private let read: @Sendable () -> Timestamp
    /// The clock for leases; none when they go by the time itself.
    package let steady: SteadyClock?
    /// The milliseconds by which a process notices that it was stopped; none when it does not look.
    package let pulse: (@Sendable () -> Int64)?

    /// A clock that answers with this function.
    public init(_ read: @escaping @Sendable () -> Timestamp) {
        self.init(read, steady: nil, pulse: nil)
    }

    package init(
        _ read: @escaping @Sendable () -> Timestamp, steady: SteadyClock?, pulse: (@Sendable () -> Int64)?
    ) {
        self.read = read
        self.steady = steady
        self.pulse = pulse
    }

    /// The time now.
    public func now() -> Timestamp {
        read()
    }
}
