// SPDX-License-Identifier: Apache-2.0

/// What an experiment is judged by: one of the metrics that a trainer reports, and whether more of it is better.
public struct Objective: Sendable, Hashable {
    /// Which direction is better.
    public enum Goal: String, Sendable, Hashable, CaseIterable {
        /// More is better.
        case maximize
        /// Less is better.
        case minimize
    }

    /// The metric's name in a trainer's results.
    public var metric: String
    /// Which direction is better.
    public var goal: Goal

    /// An objective.
    public init(metric: String, goal: Goal) {
        self.metric = metric
        self.goal = goal
    }

    /// More of this metric is better.
    public static func maximize(_ metric: String) -> Self {
        Self(metric: metric, goal: .maximize)
    }

    /// Less of this metric is better.
    public static func minimize(_ metric: String) -> Self {
        Self(metric: metric, goal: .minimize)
    }

    /// A score turned so that more is better, for ranking.
    package func key(_ score: Double) -> Double {
        goal == .maximize ? score : -score
    }

    /// Whether one score is better than another; a score that is no finite number is worse than any that is.
    public func isBetter(_ a: Double, than b: Double) -> Bool {
        guard a.isFinite else { return false }
        return b.isFinite ? key(a) > key(b) : true
    }
}
