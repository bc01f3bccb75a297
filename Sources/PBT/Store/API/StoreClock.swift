// SPDX-License-Identifier: Apache-2.0

/// A monotonic clock that stops while the machine is suspended.
package struct SteadyClock: Sendable {
    /// An identifier of the clock; another one after the machine was restarted.
    package let boot: String
    private let read: @Sendable () -> Int64

    package init(boot: String, _ read: @escaping @Sendable () -> Int64) {
        self.boot = boot
        self.read = read
    }

    /// Returns the milliseconds since an arbitrary time.
    package func now() -> Int64 {
        read()
    }
}

/// The clock of a store.
///
/// Leases use a monotonic clock that stops while the machine is suspended, where there is one: neither a step of the
/// system's clock nor a closed laptop costs a lease.
public struct StoreClock: Sendable {
    private let read: @Sendable () -> Timestamp
    /// The clock for leases; nil if they use the time of day.
    package let steady: SteadyClock?
    /// The milliseconds by which a process detects that it was stopped; nil if it does not.
    package let pulse: (@Sendable () -> Int64)?

    /// Creates a clock that reads the time of day with a function.
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

    /// Returns the present time.
    public func now() -> Timestamp {
        read()
    }
}
