// SPDX-License-Identifier: Apache-2.0

/// The objective of an experiment: one of the metrics that a trainer reports, and its direction.
public struct Objective: Sendable, Hashable {
    /// The direction of improvement.
    public enum Goal: String, Sendable, Hashable, CaseIterable {
        /// Greater values are better.
        case maximize
        /// Smaller values are better.
        case minimize
    }

    /// The metric's name in a trainer's results.
    public var metric: String
    /// The direction of improvement.
    public var goal: Goal

    /// Creates an objective.
    public init(metric: String, goal: Goal) {
        self.metric = metric
        self.goal = goal
    }

    /// Returns the objective of maximizing a metric.
    public static func maximize(_ metric: String) -> Self {
        Self(metric: metric, goal: .maximize)
    }

    /// Returns the objective of minimizing a metric.
    public static func minimize(_ metric: String) -> Self {
        Self(metric: metric, goal: .minimize)
    }

    /// Returns a score with the sign for which greater is better.
    package func key(_ score: Double) -> Double {
        goal == .maximize ? score : -score
    }

    /// Returns true if one score is better than another; a non-finite score is worse than any finite one.
    public func isBetter(_ a: Double, than b: Double) -> Bool {
        guard a.isFinite else { return false }
        return b.isFinite ? key(a) > key(b) : true
    }
}
