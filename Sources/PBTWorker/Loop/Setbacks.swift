// SPDX-License-Identifier: Apache-2.0

import PBT

/// A failure of an attempt that can recur immediately.
enum Setback: Sendable, Hashable {
    /// The worker could not train.
    case unable(WorkerProblem)
    /// The program released the interval.
    case returned(reason: String)
    /// The attempt failed.
    case failed(reason: String, interval: IntervalID, of: String)
    /// A persistent program ended without starting an interval.
    case startless(end: String, log: String)

    /// The warning to log when a slot first pauses because of it.
    var warning: String? {
        switch self {
        case .unable(let problem):
            "cannot train: \(problem.reason); intervals are released, no retry is counted, and the worker tries again"
        case .returned(let reason):
            "the program gave its interval back (\(reason)); no retry is counted, and the worker tries again"
        case .failed: nil
        case .startless(let end, let log):
            "the program ended without starting an interval (\(end)); it is restarted; its log: \(log)"
        }
    }
}

/// The consecutive setbacks of a slot and their consequences.
struct Setbacks {
    /// The consequence of a setback.
    enum Verdict: Sendable, Hashable {
        /// A pause before the next claim.
        case pause(Duration)
        /// The end of the slot.
        case end(because: String)
    }

    private let pause: Duration
    private let limits: WorkerConfiguration.Limits
    private var unable = 0
    private var returned = 0
    private var failed = 0
    private var startless = 0

    init(_ configuration: WorkerConfiguration) {
        pause = configuration.pause
        limits = configuration.limits
    }

    /// Resets the counts after a successful attempt.
    mutating func clear() {
        (unable, returned, failed, startless) = (0, 0, 0, 0)
    }

    /// Counts a setback and returns its consequence.
    mutating func verdict(on setback: Setback) -> Verdict {
        switch setback {
        case .unable(let problem):
            unable += 1
            guard unable < (problem.isTransient ? limits.transient : limits.lasting) else {
                return .end(because: "it cannot train: \(problem.reason)")
            }
            return .pause(backoff(unable))
        case .returned(let reason):
            unable = 0
            returned += 1
            guard returned < limits.returned else {
                return .end(because: "its program gave its interval back \(returned) times in a row: \(reason)")
            }
            return .pause(backoff(returned))
        case .failed:
            unable = 0
            failed += 1
            // Short at first: another worker can claim the interval.
            return .pause(backoff(failed) / 4)
        case .startless(let end, let log):
            startless += 1
            guard startless < limits.startless else {
                return .end(
                    because: "its program ended \(startless) times in a row without starting an interval: \(end); "
                        + "its log: \(log)")
            }
            return .pause(backoff(startless))
        }
    }

    /// Returns the pause of an exponential backoff with jitter.
    private func backoff(_ count: Int) -> Duration {
        let factor = min(60, 1 << min(count - 1, 6))
        return pause * factor * Double.random(in: 0.75...1)
    }
}
