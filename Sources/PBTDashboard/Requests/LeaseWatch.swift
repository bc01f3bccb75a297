// SPDX-License-Identifier: Apache-2.0

import PBT

/// When the leases of experiments end, which is no event: read once a second at most, for all pages that are open.
actor LeaseWatch {
    /// The leases of an experiment at a moment.
    struct State: Sendable, Hashable {
        /// How many have run out; -1 when the experiment is gone.
        var silent = 0
        /// How long until the next one runs out; none: no lease is live.
        var next: Duration?
    }

    private struct Reading {
        /// The ends of the leases; none when the experiment is gone.
        let ends: Task<[Timestamp]?, any Error>
        let time: ContinuousClock.Instant
    }

    /// How long a reading is good for.
    private static let age = Duration.seconds(1)
    /// How many experiments are kept.
    private static let limit = 1000

    private let store: any Store
    private let clock: StoreClock
    private var readings: [String: Reading] = [:]

    init(store: any Store, clock: StoreClock) {
        self.store = store
        self.clock = clock
    }

    /// The leases of an experiment; none for all experiments, which have no state of this kind.
    ///
    /// - Throws: What the store throws.
    func state(of name: String?) async throws -> State {
        guard let name else { return State() }
        let ends: [Timestamp]?
        do {
            ends = try await reading(of: name).ends.value
        } catch {
            // The next one is to try for itself.
            readings[name] = nil
            throw error
        }
        // It was removed: the page asks again, and is told so.
        guard let ends else { return State(silent: -1) }
        let now = clock.now()
        return State(
            silent: ends.count { $0 < now },
            next: ends.filter { $0 >= now }.min().map { $0.since(now) + .milliseconds(10) })
    }

    private func reading(of name: String) -> Reading {
        let now = ContinuousClock.now
        if let reading = readings[name], now - reading.time < Self.age { return reading }
        if readings.count >= Self.limit { readings = readings.filter { now - $0.value.time < Self.age } }
        let store = store
        let reading = Reading(
            ends: Task {
                // Awaited by whoever asked first, above; never left alone.
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
