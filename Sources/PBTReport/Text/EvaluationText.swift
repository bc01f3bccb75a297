// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The repeated evaluations of the best checkpoints, a line for each, best mean first.
package struct EvaluationText: Sendable {
    /// The lines: `3@19 0.912 ± 0.004 (3 evaluations; 0.931 when trained)`; the first one is the winner's.
    package let lines: [String]
    /// The evaluated intervals, in the same order.
    package let intervals: [Interval]

    /// Creates the lines of an experiment; empty if nothing was evaluated.
    package init(_ history: History) {
        let objective = history.record.experiment.objective
        let best = history.best?.id
        intervals = history.genealogy.intervals.filter { !$0.evaluations.isEmpty }.sorted { a, b in
            switch (a.evaluated?.mean, b.evaluated?.mean) {
            case _ where (a.id == best) != (b.id == best): a.id == best
            case (let x?, let y?) where x != y: objective.isBetter(x, than: y)
            case (.some, nil): true
            case (nil, .some): false
            default: objective.prefers(a, to: b)
            }
        }
        lines = intervals.map(Self.line)
    }

    /// Returns the mean and the spread of a checkpoint's evaluations, and the number of those that failed.
    private static func line(_ interval: Interval) -> String {
        let failed = interval.evaluations.filter { $0.score == nil }
        let reason = failed.first.map { ": \(PlainText.line($0.reason ?? "no reason known"))" } ?? ""
        let failures = failed.isEmpty ? "" : "\(failed.count) failed\(reason)"
        guard let evaluated = interval.evaluated else { return "\(interval.id) \(failures)" }
        let trained = interval.finiteScore.map { "; \(Format.score($0)) when trained" } ?? ""
        return "\(interval.id) \(text(of: evaluated)) "
            + "(\(evaluated.count) \(evaluated.count == 1 ? "evaluation" : "evaluations")\(trained))"
            + (failures.isEmpty ? "" : ", \(failures)")
    }

    /// Returns the mean and the standard deviation: `0.912 ± 0.004`.
    package static func text(of evaluated: Evaluated) -> String {
        Format.score(evaluated.mean)
            + (evaluated.deviation.map { " ± \(Format.significant($0, digits: 2))" } ?? "")
    }
}
