// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The status of a member at some time, and the words for it: the one table that commands and pages show members by.
package enum MemberStatus: Sendable, Hashable {
    /// An attempt at an interval, of those that the experiment allows.
    package struct Attempt: Sendable, Hashable, CustomStringConvertible {
        /// The number of the attempt, from 1.
        package let number: Int
        /// The number of attempts after which the interval fails.
        package let limit: Int

        /// `attempt 2 of 3`.
        package var description: String { "attempt \(number) of \(limit)" }
    }

    /// Its interval is being trained; the attempt is given when an earlier one failed.
    case training(Attempt?)
    /// Its interval is being trained by a worker that let the lease expire some time ago.
    case stalled(Duration)
    /// Its last attempt failed, and another one will follow.
    case retrying(Attempt, reason: String?)
    /// Its interval waits for a worker.
    case waiting
    /// Its interval waits, and the experiment is paused.
    case paused
    /// Its interval is done, and the decision about the next one is yet to be made.
    case awaitingDecision
    /// All its intervals are done.
    case done
    /// It was left behind at a rung of successive halving.
    case ended
    /// Its next interval was never trained: the experiment ended first.
    case notTrained
    /// Its score was not finite; `isReplaced` says that an exploit will replace it.
    case diverged(reason: String?, isReplaced: Bool)
    /// All attempts at its interval failed; `isReplaced` says that an exploit will replace it.
    case failed(reason: String?, isReplaced: Bool)

    /// The status of a member.
    ///
    /// - Parameters:
    ///   - newest: Its newest interval.
    ///   - finished: Its newest interval that has finished; none when none has.
    ///   - record: The experiment.
    ///   - now: The store's time.
    package init(of newest: Interval, finished: Interval?, in record: ExperimentRecord, now: Timestamp) {
        let experiment = record.experiment
        let isOver = record.state.isOver
        let attempt = Attempt(number: newest.failures + 1, limit: experiment.retries + 1)
        switch newest.state {
        case .running:
            if !isOver, let silence = newest.silence(at: now) {
                self = .stalled(silence)
            } else {
                self = .training(newest.failures > 0 ? attempt : nil)
            }
        case .waiting where isOver:
            switch finished?.state {
            case .diverged: self = .diverged(reason: finished?.reason, isReplaced: false)
            case .failed: self = .failed(reason: finished?.reason, isReplaced: false)
            default: self = .notTrained
            }
        case .waiting:
            if newest.failures > 0 {
                self = .retrying(attempt, reason: newest.reason)
            } else {
                self = record.state == .paused ? .paused : .waiting
            }
        case .done where experiment.halving != nil && newest.id.index + 1 < experiment.intervals && !newest.isUndecided:
            self = .ended
        case .done: self = isOver || experiment.ends(after: newest) ? .done : .awaitingDecision
        case .diverged, .failed:
            let isReplaced = !isOver && (experiment.isSynchronous || newest.isUndecided)
            self =
                newest.state == .diverged
                ? .diverged(reason: newest.reason, isReplaced: isReplaced)
                : .failed(reason: newest.reason, isReplaced: isReplaced)
        }
    }

    /// The status of an interval that its member has left behind, or of its newest one.
    package init(ofPast interval: Interval) {
        self =
            switch interval.state {
            case .waiting: .waiting
            case .running: .training(nil)
            case .done: .done
            case .diverged: .diverged(reason: interval.reason, isReplaced: false)
            case .failed: .failed(reason: interval.reason, isReplaced: false)
            }
    }

    /// The words of ``word`` and the states of intervals, which filters take.
    package static let allWords: [String] = [
        "training", "stalled", "retrying", "waiting", "paused", "done", "ended", "not trained", "diverged", "failed",
        "running", "awaiting decision",
    ]

    /// The status in one or two words, for a column of a table.
    package var word: String {
        switch self {
        case .training: "training"
        case .stalled: "stalled"
        case .retrying: "retrying"
        case .waiting, .awaitingDecision: "waiting"
        case .paused: "paused"
        case .done: "done"
        case .ended: "ended"
        case .notTrained: "not trained"
        case .diverged: "diverged"
        case .failed: "failed"
        }
    }

    /// The status with its details, for a page: `training, attempt 2 of 3`.
    package var words: String {
        switch self {
        case .training(let attempt?), .retrying(let attempt, _): "\(word), \(attempt)"
        case .stalled(let silence): "\(word) \(Format.duration(silence))"
        case .awaitingDecision: "done, awaiting decision"
        case .ended: "ended at a rung"
        default: word
        }
    }

    /// The details that ``word`` leaves out, empty when there are none; may hold text of a trainer.
    package var note: String {
        switch self {
        case .training(let attempt): attempt.map { "\($0)" } ?? ""
        case .stalled(let silence): "no heartbeat for \(Format.duration(silence))"
        case .retrying(let attempt, let reason?) where !reason.isEmpty: "\(attempt): \(reason)"
        case .retrying(let attempt, _): "\(attempt)"
        case .diverged(let reason?, _) where !reason.isEmpty, .failed(let reason?, _) where !reason.isEmpty: reason
        case .diverged(_, let isReplaced), .failed(_, let isReplaced): isReplaced ? "to be replaced" : ""
        case .waiting, .paused, .awaitingDecision, .done, .ended, .notTrained: ""
        }
    }

    /// The mark in front of a problem: `!` where attention is needed, `×` after a failure; empty when nothing is wrong.
    package var mark: String {
        switch self {
        case .stalled: "!"
        case .retrying, .diverged, .failed: "×"
        case .training, .waiting, .paused, .awaitingDecision, .done, .ended, .notTrained: ""
        }
    }

    /// True when the member may need attention.
    package var isProblem: Bool {
        !mark.isEmpty
    }

    /// The urgency of a status, which decides its color on a page.
    package enum Severity: Sendable, Hashable {
        /// Nothing is being trained, and nothing is wrong.
        case quiet
        /// An interval is being trained.
        case active
        /// The interval is done.
        case success
        /// It may resolve itself: a retry, or a lease that another worker takes.
        case warning
        /// The interval is lost.
        case error
    }

    /// The urgency of the status.
    package var severity: Severity {
        switch self {
        case .training: .active
        case .stalled, .retrying: .warning
        case .waiting, .paused, .notTrained: .quiet
        case .awaitingDecision, .done, .ended: .success
        case .diverged, .failed: .error
        }
    }
}

extension MemberStatus {
    /// The time by which clocks may differ before a lease counts as expired for a reader.
    ///
    /// A reader's clock may be ahead of the store's, and a renewal may be on its way; neither must raise an alarm.
    package static let clockSkew = Duration.seconds(2)

    /// Returns the time since a lease expired.
    ///
    /// - Parameters:
    ///   - expiry: The end of the lease.
    ///   - now: The reader's time.
    /// - Returns: The time; none while the lease is valid, or expired by no more than ``clockSkew``.
    package static func silence(since expiry: Timestamp, at now: Timestamp) -> Duration? {
        let silence = now.since(expiry)
        return silence > clockSkew ? silence : nil
    }
}

extension Interval {
    /// Returns the time since the lease of a running interval expired; none while it is valid, or expired by no more
    /// than ``MemberStatus/clockSkew``.
    package func silence(at now: Timestamp) -> Duration? {
        guard state == .running, let leaseExpires else { return nil }
        return MemberStatus.silence(since: leaseExpires, at: now)
    }
}
