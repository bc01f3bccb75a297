// SPDX-License-Identifier: Apache-2.0

import PBT

/// Something that went wrong with an attempt, and may go wrong again immediately.
enum Setback: Sendable, Hashable {
    /// The worker could not train.
    case unable(WorkerProblem)
    /// The program gave the interval back.
    case returned(reason: String)
    /// The attempt failed, by a fault of its own as far as can be told.
    case failed(reason: String, interval: IntervalID, of: String)
    /// A program that stays alive ended without having begun an interval.
    case startless(end: String, log: String)

    /// The text that a person is told the first time that the slot pauses because of it.
    var warning: String? {
        switch self {
        case .unable(let problem):
            "cannot train: \(problem.reason); intervals are released, no retry is counted, and it is tried again"
        case .returned(let reason):
            "the program gives its interval back (\(reason)); no retry is counted, and it is tried again"
        case .failed: nil
        case .startless(let end, let log):
            "the program ended without having begun an interval (\(end)); it is started again; its log: \(log)"
        }
    }
}

/// The setbacks in a row of one slot, and what follows from them.
struct Setbacks {
    /// What follows from a setback.
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

    /// Forgets all setbacks, since an attempt succeeded.
    mutating func clear() {
        (unable, returned, failed, startless) = (0, 0, 0, 0)
    }

    /// Counts a setback.
    ///
    /// - Returns: What follows from it.
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
            // Short at first: it lets another worker have the interval.
            return .pause(backoff(failed) / 4)
        case .startless(let end, let log):
            startless += 1
            guard startless < limits.startless else {
                return .end(
                    because: "its program ended \(startless) times in a row without having begun an interval: \(end); "
                        + "its log: \(log)")
            }
            return .pause(backoff(startless))
        }
    }

    /// Exponential backoff with jitter.
    private func backoff(_ count: Int) -> Duration {
        let factor = min(60, 1 << min(count - 1, 6))
        return pause * factor * Double.random(in: 0.75...1)
    }
}
