// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The comparison of a search with its baseline, in the same numbers and words wherever it is shown.
///
/// The best scores after equally many finished intervals are compared: the smaller of the two budgets. If both winners
/// were evaluated again and the budgets are equal, the means of their evaluations are.
public struct Verdict: Sendable, Hashable {
    /// The number of finished intervals of each at which they are compared.
    public let budget: Int
    /// The number of finished intervals of the search.
    public let searchBudget: Int
    /// The number of finished intervals of the baseline.
    public let baselineBudget: Int
    /// The best score of the search within the budget, or the mean of its winner's evaluations.
    public let score: Double
    /// The same of the baseline.
    public let baseline: Double
    /// The number of evaluations that each score is the mean of; 1 for single scores.
    public let counts: Counts
    /// The noise of a single score; nil if it is not known.
    public let noise: Noise?
    /// The name of the baseline's kind, in small letters.
    package let baselineWords: String
    /// True if the search is better than its baseline, regardless of the noise.
    public let isBetter: Bool

    /// The search's score minus the baseline's.
    public var difference: Double { score - baseline }

    /// The difference that noise alone rarely exceeds: two standard deviations of the difference of the two scores, so
    /// that 19 of 20 differences of equal searches are smaller; nil if the noise is not known.
    public var margin: Double? {
        noise.map { 2 * $0.deviation * (1 / Double(counts.search) + 1 / Double(counts.baseline)).squareRoot() }
    }

    /// True if the difference is smaller than the noise; nil if the noise is not known.
    public var isWithinNoise: Bool? {
        if difference == 0 { return true }
        return margin.map { difference.magnitude < $0 }
    }

    /// The comparison in one sentence without a full stop.
    public var text: String {
        "\(Format.score(score)) vs. \(Format.score(baseline)) of \(baselineWords), \(basis): \(outcome)"
    }

    /// The difference with its sign, and `within noise` if it is.
    public var short: String {
        let sign = difference > 0 ? "+" : ""
        guard difference.isFinite else { return "-" }
        if difference == 0 { return "same" }
        return "\(sign)\(Format.significant(difference, digits: 3))"
            + (isWithinNoise == true ? ", within noise" : "")
    }

    /// The scores and budgets that are compared.
    private var basis: String {
        let intervals = "after \(budget) \(budget == 1 ? "interval" : "intervals") each"
        if counts.search > 1 || counts.baseline > 1 {
            let number =
                counts.search == counts.baseline ? "\(counts.search)" : "\(counts.search) and \(counts.baseline)"
            return "\(intervals), means of \(number) evaluations"
        }
        return searchBudget == baselineBudget
            ? intervals : "\(intervals) (\(searchBudget) and \(baselineBudget) finished)"
    }

    /// The comparison behind a best score, as in the titles of charts: `random search 0.6600: 0.140 better, beyond noise
    /// ±0.028`.
    package var headline: String {
        let basis =
            searchBudget == baselineBudget ? "" : " after \(budget) \(budget == 1 ? "interval" : "intervals") each"
        return "\(baselineWords) \(Format.score(baseline))\(basis): \(outcome)"
    }

    /// The difference and its relation to the noise: `0.104 better, beyond noise ±0.028`; in all outputs the same.
    package var outcome: String {
        guard difference != 0 else { return "the same" }
        let size = Format.significant(difference.magnitude, digits: 3)
        let words = "\(size) \(isBetter ? "better" : "worse")"
        guard let margin, let isWithinNoise else { return "\(words); one run each, noise unknown" }
        let noise = "noise ±\(Format.significant(margin, digits: 2))"
        return isWithinNoise ? "within noise (\(words), \(noise))" : "\(words), beyond \(noise)"
    }

    /// The comparison as a JSON object.
    package var value: Value {
        [
            "intervals": .integer(budget), "score": .number(score), "baseline": .number(baseline),
            "difference": difference.isFinite ? .number(difference) : .null,
            "budgets": ["search": .integer(searchBudget), "baseline": .integer(baselineBudget)],
            "noise": margin.map { .number($0) } ?? .null,
            "noise_from": noise.map { .string($0.source.rawValue) } ?? .null,
            "within_noise": isWithinNoise.map { .bool($0) } ?? .null, "text": .string(text),
        ]
    }

    /// The number of evaluations of each side.
    public struct Counts: Sendable, Hashable {
        /// Those of the search's winner.
        public let search: Int
        /// Those of the baseline's winner.
        public let baseline: Int
    }
}

extension History {
    /// The comparison with the baseline; nil without one, and before both have a score within the same budget.
    public var verdict: Verdict? {
        guard let baseline, let baselineColumns else { return nil }
        let objective = record.experiment.objective
        let finished = columns.states.count(where: \.isFinished)
        let other = baselineColumns.states.count(where: \.isFinished)
        let budget = min(finished, other)
        guard let own = bestSoFar(by: .finished).last(where: { $0.at <= budget }),
            let rival = baselineBestSoFar(by: .finished).last(where: { $0.at <= budget })
        else { return nil }
        let noise = Noise.estimate([genealogy, baseline], by: objective)
        var (score, against, counts) = (own.score, rival.score, Verdict.Counts(search: 1, baseline: 1))
        if finished == other, let mine = best?.evaluated, let theirs = baselineBest?.evaluated {
            (score, against, counts) = (mine.mean, theirs.mean, .init(search: mine.count, baseline: theirs.count))
        }
        return Verdict(
            budget: budget, searchBudget: finished, baselineBudget: other, score: score, baseline: against,
            counts: counts, noise: noise, baselineWords: baselineWords,
            isBetter: objective.isBetter(score, than: against))
    }
}
