// SPDX-License-Identifier: Apache-2.0

import Metrics
import PBT

/// The metrics of a worker.
struct WorkerMetrics: Sendable {
    /// The outcome of an attempt.
    enum Ending: String, CaseIterable {
        case done, diverged, failed, released, lost
    }

    /// The phase of a slot.
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

    /// Counts an outcome.
    func count(_ ending: Ending) {
        counters[ending]?.increment()
    }

    /// Measures the duration of a phase.
    func measure<Result>(_ phase: Phase, _ body: () async throws -> Result) async rethrows -> Result {
        let start = ContinuousClock.now
        defer {
            let (seconds, attoseconds) = (ContinuousClock.now - start).components
            timers[phase]?.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        }
        return try await body()
    }
}
