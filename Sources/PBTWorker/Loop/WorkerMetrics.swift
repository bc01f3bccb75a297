// SPDX-License-Identifier: Apache-2.0

import Metrics
import PBT

/// What a worker measures of itself.
struct WorkerMetrics: Sendable {
    /// How an attempt ended.
    enum Ending: String, CaseIterable {
        case done, diverged, failed, released, lost
    }

    /// What a slot spends its time on.
    enum Phase: String, CaseIterable {
        case claim, begin, train, publish, finish, idle
    }

    private let counters: [Ending: Counter]
    private let timers: [Phase: Metrics.Timer]

    init() {
        counters = Dictionary(
            uniqueKeysWithValues: Ending.allCases.map {
                ($0, Counter(label: "pbt_attempts_total", dimensions: [("end", $0.rawValue)]))
            })
        timers = Dictionary(
            uniqueKeysWithValues: Phase.allCases.map {
                ($0, Metrics.Timer(label: "pbt_slot_duration", dimensions: [("phase", $0.rawValue)]))
            })
    }

    /// Counts the end of an attempt.
    func count(_ ending: Ending) {
        counters[ending]?.increment()
    }

    /// Measures a phase.
    func measure<Result>(_ phase: Phase, _ body: () async throws -> Result) async rethrows -> Result {
        let start = ContinuousClock.now
        defer {
            let (seconds, attoseconds) = (ContinuousClock.now - start).components
            timers[phase]?.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        }
        return try await body()
    }
}
