// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The expiry times of leases, for which there are no events: read at most once a second for all open pages.
actor LeaseWatch {
    /// The leases of an experiment at some time.
    struct State: Sendable, Hashable {
        /// The number of expired leases; -1 when the experiment was deleted.
        var silent = 0
        /// The time until the next lease counts as expired; none when no lease is valid.
        var next: Duration?
    }

    private struct Reading {
        /// The expiry times of the leases; none when the experiment was deleted.
        let expiries: Task<[Timestamp]?, any Error>
        let time: ContinuousClock.Instant
    }

    /// The time for which a reading is valid.
    private static let maximumAge = Duration.seconds(1)
    /// The maximum number of experiments with a reading.
    private static let limit = 1000

    private let store: any Store
    private let clock: StoreClock
    private var readings: [String: Reading] = [:]

    init(store: any Store, clock: StoreClock) {
        self.store = store
        self.clock = clock
    }

    /// Returns the state of an experiment's leases.
    ///
    /// - Parameter name: The experiment; nil for all experiments.
    /// - Returns: The state, which is empty for all experiments.
    /// - Throws: What the store throws.
    func state(of name: String?) async throws -> State {
        guard let name else { return State() }
        let expiries: [Timestamp]?
        do {
            expiries = try await reading(of: name).expiries.value
        } catch {
            // The next caller tries again.
            readings[name] = nil
            throw error
        }
        // Deleted: the page reloads and shows that.
        guard let expiries else { return State(silent: -1) }
        let now = clock.now()
        return State(
            silent: expiries.count { MemberStatus.silence(since: $0, at: now) != nil },
            next: expiries.filter { MemberStatus.silence(since: $0, at: now) == nil }.min()
                .map { $0.since(now) + MemberStatus.clockSkew + .milliseconds(10) })
    }

    private func reading(of name: String) -> Reading {
        let now = ContinuousClock.now
        if let reading = readings[name], now - reading.time < Self.maximumAge { return reading }
        if readings.count >= Self.limit { readings = readings.filter { now - $0.value.time < Self.maximumAge } }
        let store = store
        let reading = Reading(
            expiries: Task {
                // Awaited above by the first caller.
                do {
                    return try await store.runningIntervals(of: name).compactMap(\.leaseExpires)
                } catch let error as PBTError where error.code == .noSuchExperiment {
                    return nil
                }
            }, time: now)
        readings[name] = reading
        return reading
    }
}
