// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The results of the same search with several seeds.
package struct SeedSummary: Sendable {
    /// The result for one seed.
    package struct Search: Sendable {
        /// The name of the experiment.
        package var name: String
        /// The seed.
        package var seed: Int
        /// The state of the experiment.
        package var state: ExperimentRecord.State
        /// The winner's score, or the mean of its evaluations; nil without a usable result.
        package var score: Double?
        /// The comparison with its random search.
        package var verdict: Verdict?
        /// The winner's other metrics.
        package var metrics: [OtherMetric]

        /// Creates the result of a search.
        ///
        /// - Parameters:
        ///   - history: The search; one that failed has no usable result.
        ///   - isUsable: True if its best interval counts as its result.
        package init(_ history: History, isUsable: Bool) {
            let experiment = history.record.experiment
            name = experiment.name
            seed = Int(truncatingIfNeeded: experiment.seed)
            state = history.record.state
            score = isUsable ? history.best.flatMap { $0.evaluated?.mean ?? $0.finiteScore } : nil
            verdict = isUsable ? history.verdict : nil
            metrics = isUsable ? history.otherMetrics : []
        }
    }

    /// The median and the spread of some numbers.
    package struct Spread: Sendable, Hashable {
        /// The number of values; at least 1.
        package var count: Int
        /// The least value.
        package var least: Double
        /// The lower quartile.
        package var lower: Double
        /// The median.
        package var median: Double
        /// The upper quartile.
        package var upper: Double
        /// The greatest value.
        package var greatest: Double

        /// Returns the spread of finite numbers; nil without any.
        package init?(_ numbers: [Double]) {
            let sorted = numbers.filter(\.isFinite).sorted()
            guard let first = sorted.first, let last = sorted.last, let lower = Contender.quantile(sorted, 0.25),
                let median = Contender.quantile(sorted, 0.5), let upper = Contender.quantile(sorted, 0.75)
            else { return nil }
            (count, least, greatest) = (sorted.count, first, last)
            (self.lower, self.median, self.upper) = (lower, median, upper)
        }

        /// The spread in words: `median 0.91, quartiles 0.90 to 0.92, range 0.88 to 0.93`.
        package var text: String {
            guard count > 1 else { return Format.score(median) }
            return "median \(Format.score(median)), quartiles \(Format.score(lower)) to \(Format.score(upper)), "
                + "range \(Format.score(least)) to \(Format.score(greatest))"
        }

        /// The spread as a JSON object.
        package var value: Value {
            [
                "count": .integer(count), "median": .number(median), "lower_quartile": .number(lower),
                "upper_quartile": .number(upper), "least": .number(least), "greatest": .number(greatest),
            ]
        }
    }

    /// The objective.
    package let objective: Objective
    /// The searches, in order of their seeds.
    package let searches: [Search]

    /// Creates a summary of searches with the same objective.
    package init(_ objective: Objective, _ searches: [Search]) {
        self.objective = objective
        self.searches = searches
    }

    /// The spread of the winners' scores.
    package var scores: Spread? { Spread(searches.compactMap(\.score)) }

    /// The spread of the random searches' scores at equal budget.
    package var baselines: Spread? { Spread(searches.compactMap { $0.verdict?.baseline }) }

    /// The number of searches that were better than their random search at equal budget, as good, and compared.
    package var wins: (better: Int, same: Int, all: Int) {
        let verdicts = searches.compactMap(\.verdict)
        return (verdicts.count(where: \.isBetter), verdicts.count { $0.difference == 0 }, verdicts.count)
    }

    /// The names of the searches without a usable result.
    package var failed: [String] { searches.filter { $0.score == nil }.map(\.name) }

    /// The name of the searches' baseline, in small letters.
    private var baselineWords: String {
        searches.lazy.compactMap(\.verdict?.baselineWords).first ?? Experiment.Baseline.randomSearch.words
    }

    /// A row for each search.
    package var table: TextTable {
        let isCompared = searches.contains { $0.verdict != nil }
        let names = searches.reduce(into: [String]()) { names, search in
            names += search.metrics.map(\.name).filter { !names.contains($0) }
        }.prefix(4)
        var table = TextTable(
            [.init("SEED", .right), .init("EXPERIMENT"), .init("STATE"), .init(objective.metric.uppercased(), .right)]
                + names.map { .init($0.uppercased(), .right, rank: 2) }
                + (isCompared
                    ? [.init(baselineWords.uppercased(), .right, rank: 1), .init("DIFFERENCE", rank: 1)] : []))
        let scores = Format.column(searches.map(\.score))
        let baselines = Format.column(searches.map { $0.verdict?.baseline })
        for (row, search) in searches.enumerated() {
            let metrics = names.map { name in search.metrics.first { $0.name == name }?.valueText ?? "-" }
            table.append(
                ["\(search.seed)", PlainText.line(search.name), search.state.rawValue, scores[row]] + metrics
                    + (isCompared ? [baselines[row], search.verdict?.short ?? "-"] : []))
        }
        return table
    }

    /// The summary in lines, without the table.
    package var lines: [String] {
        var lines: [String] = []
        let metric = PlainText.line(objective.metric)
        if let scores { lines.append("\(metric): \(scores.text)") }
        if let baselines { lines.append("\(baselineWords): \(baselines.text)") }
        let wins = wins
        if wins.all > 0 {
            let same = wins.same > 0 ? ", as good in \(wins.same)" : ""
            lines.append("better than \(baselineWords) in \(wins.better) of \(wins.all)\(same), each at equal budget")
        }
        if !failed.isEmpty {
            lines.append("no usable result: \(failed.map { PlainText.line($0) }.joined(separator: ", "))")
        }
        return lines
    }

    /// The summary as a JSON object.
    package var value: Value {
        let wins = wins
        return [
            "event": "seeds",
            "objective": ["metric": .string(objective.metric), "goal": .string(objective.goal.rawValue)],
            "searches": .array(
                searches.map { search in
                    [
                        "name": .string(search.name), "seed": .integer(search.seed),
                        "state": .string(search.state.rawValue),
                        "score": search.score.map { .number($0) } ?? .null,
                        "metrics": .object(
                            Dictionary(search.metrics.map { ($0.name, $0.value ?? .null) }) { first, _ in first }),
                        "comparison": search.verdict?.value ?? .null,
                    ]
                }),
            "score": scores?.value ?? .null, "baseline": baselines?.value ?? .null,
            "wins": ["better": .integer(wins.better), "same": .integer(wins.same), "of": .integer(wins.all)],
            "failed": .array(failed.map { .string($0) }),
        ]
    }
}
