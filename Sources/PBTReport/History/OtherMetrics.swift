// SPDX-License-Identifier: Apache-2.0

package import PBT

/// A metric other than the objective's, of the winner and of the baseline's winner.
package struct OtherMetric: Sendable, Hashable {
    /// The name.
    package var name: String
    /// The value of the winner; nil if it was not reported.
    package var value: Value?
    /// The value of the baseline's winner; nil without a baseline, or if it was not reported.
    package var baseline: Value?
    /// The name of the baseline's kind, in small letters.
    package var baselineWords = Experiment.Baseline.randomSearch.words

    /// The values on one line: `test_accuracy 0.91 (random search 0.93)`.
    package var text: String {
        "\(PlainText.line(name)) \(valueText)" + (baselineText.map { " (\(baselineWords) \($0))" } ?? "")
    }

    /// The winner's value, abbreviated.
    package var valueText: String { Self.text(of: value) ?? "-" }

    /// The value of the baseline's winner, abbreviated.
    package var baselineText: String? { Self.text(of: baseline) }

    private static func text(of value: Value?) -> String? {
        switch value {
        case nil: nil
        case .null: "-"
        case .integer(let number): "\(number)"
        case .number(let number): Format.score(number)
        case .some(let other): PlainText.middle(PlainText.line(Format.value(other)), width: 24)
        }
    }
}

extension OtherMetric {
    /// Returns the metrics that an experiment shows next to the score of a winner: those that `metrics` names, in that
    /// order; otherwise all numbers and booleans that were reported, by name.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - winner: The winner.
    ///   - baseline: The baseline's winner, if there is one.
    /// - Returns: The metrics that either of them has.
    package static func all(of experiment: Experiment, _ winner: Interval, baseline: Interval? = nil) -> [OtherMetric] {
        let other = baseline?.metrics ?? [:]
        let names =
            experiment.metrics
            ?? Set(winner.metrics.keys).union(other.keys).filter { name in
                guard name != experiment.objective.metric else { return false }
                switch winner.metrics[name] ?? other[name] {
                case .integer, .number, .bool: return true
                default: return false
                }
            }.sorted()
        return names.compactMap { name in
            let (own, rival) = (winner.metrics[name], other[name])
            guard own != nil || rival != nil else { return nil }
            return OtherMetric(
                name: name, value: own, baseline: rival,
                baselineWords: (experiment.baselineKind ?? .randomSearch).words)
        }
    }

    /// Returns the names of the metrics that some intervals report as numbers, by name.
    package static func numeric(in intervals: [Interval]) -> [String] {
        var names: Set<String> = []
        for interval in intervals {
            names.formUnion(interval.metrics.lazy.filter { $0.value.double != nil }.map(\.key))
        }
        return names.sorted()
    }

    /// Returns the metrics on one line, the rest as a number: `a 1, b 2, and 3 more`.
    package static func line(_ metrics: [OtherMetric], atMost most: Int = .max) -> String {
        let shown = metrics.prefix(most).map(\.text)
        return shown.joined(separator: ", ") + (metrics.count > most ? ", and \(metrics.count - most) more" : "")
    }
}

extension History {
    /// The metrics of the winner that are shown next to its score, with those of the baseline's winner.
    package var otherMetrics: [OtherMetric] {
        best.map { OtherMetric.all(of: record.experiment, $0, baseline: baselineBest) } ?? []
    }
}
