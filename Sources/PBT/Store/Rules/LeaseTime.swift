// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The clock of leases: its difference from the time of day, and the detection of a suspended process.
package final class LeaseTime: Sendable {
    /// The time of one transaction.
    package struct Reading: Sendable, Hashable {
        /// The time of day.
        package var now: Timestamp
        /// The milliseconds by which the time of day is ahead of that of leases.
        package var skew: Int64
        /// True if no lease may expire now: this process was suspended, and workers could not reach it to renew.
        package var isGrace: Bool
    }

    private struct State {
        var skew: Int64
        var lastPulse: Int64?
        var graceEnds: Int64?
    }

    /// The smallest step of the clock that is corrected, in milliseconds.
    private static let tolerance: Int64 = 1000
    /// The time without a transaction after which a process may have been suspended, in milliseconds.
    private static let longestSilence: Int64 = 30_000
    /// The time that workers get to renew then, in milliseconds.
    private static let grace: Int64 = 30_000

    private let clock: StoreClock
    private let offset: Int64
    private let state: Mutex<State>

    /// Creates the clock of leases from a store's clock.
    ///
    /// - Parameters:
    ///   - clock: The store's clock.
    ///   - offset: The milliseconds to add to its steady clock; the same for all processes of one store.
    package init(_ clock: StoreClock, offset: Int64? = nil) {
        self.clock = clock
        self.offset = offset ?? Self.offset(of: clock)
        state = Mutex(State(skew: 0))
    }

    /// Returns the milliseconds to add to a clock's steady time to get its present time of day.
    package static func offset(of clock: StoreClock) -> Int64 {
        clock.steady.map { clock.now().milliseconds &- $0.now() } ?? 0
    }

    /// Reads the clocks.
    package func read() -> Reading {
        let now = clock.now()
        let skew = clock.steady.map { now.milliseconds &- ($0.now() &+ offset) } ?? 0
        let pulse = clock.pulse?()
        return state.withLock { state in
            if abs(skew &- state.skew) > Self.tolerance { state.skew = skew }
            if let pulse {
                if let last = state.lastPulse, pulse &- last > Self.longestSilence {
                    state.graceEnds = pulse &+ Self.grace
                }
                state.lastPulse = pulse
            }
            let isGrace = pulse.flatMap { pulse in state.graceEnds.map { pulse < $0 } } ?? false
            return Reading(now: now, skew: state.skew, isGrace: isGrace)
        }
    }
}
