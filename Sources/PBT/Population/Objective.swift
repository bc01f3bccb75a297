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

    /// No objective: no interval has a score, so none is the best.
    ///
    /// For an open manual or random search whose results come from clients. An edit declares an objective later.
    public static let undeclared = Self(metric: "", goal: .maximize)

    /// False if there is no objective.
    public var isDeclared: Bool { !metric.isEmpty }

    /// Returns the objective of maximizing a metric.
    public static func maximize(_ metric: String) -> Self {
        Self(metric: metric, goal: .maximize)
    }

    /// Returns the objective of minimizing a metric.
    public static func minimize(_ metric: String) -> Self {
        Self(metric: metric, goal: .minimize)
    }

    /// Returns the score in some results; nil without an objective or a finite number of that name.
    package func score(in results: [String: Value]) -> Double? {
        guard isDeclared, let score = results[metric]?.double, score.isFinite else { return nil }
        return score
    }

    /// The reason why results have no score.
    package var missing: String { "its results have no finite number \(metric)" }

    /// The objective as in an experiment file; null if there is none.
    package var value: Value {
        isDeclared ? ["metric": .string(metric), "goal": .string(goal.rawValue)] : .null
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
