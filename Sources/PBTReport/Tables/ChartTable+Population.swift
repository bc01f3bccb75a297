// SPDX-License-Identifier: Apache-2.0

import PBT

// The development of a population over the course of training.

extension ChartTable {
    /// Returns the data of ``Chart/share(of:options:)``: the number of members that descend from each founder, and the
    /// effective number of founders.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The table; of many founders those with the most current members, and the rest together.
    public static func share(of history: History) -> ChartTable {
        let share = FounderShare(history)
        let named = Array(share.founders.ranked.prefix(Families.limit))
        let hasOthers = share.founders.ranked.count > named.count
        let rows = share.steps.map { step in
            let counts = share.counts(history, at: step.places)
            let own = named.map { counts[$0] ?? 0 }
            return ["\(step.index + 1)", Format.fixed(Founders.effective(counts.values), decimals: 2)]
                + own.map { "\($0)" } + (hasOthers ? ["\(step.places.count - own.reduce(0, +))"] : [])
        }
        return ChartTable(
            "Founder share of \(history.record.experiment.name)",
            columns: [Column("Intervals"), Column("Effective founders")]
                + named.map { Column("Founder \(history.pieces[$0].founderName)") }
                + (hasOthers ? [Column("\(share.founders.ranked.count - named.count) others")] : []),
            rows: rows, note: rows.isEmpty ? "no interval has finished with a score yet" : nil)
    }

    /// Returns the scores of the population by lineage depth: the best so far, and for each depth the best, the median,
    /// and the 10th and 90th percentiles.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The table. Quantiles are from worse to better: nine tenths of the scores are better than the first.
    public static func scores(of history: History) -> ChartTable {
        let objective = history.record.experiment.objective
        var best = -Double.infinity
        var counts: [(training: Int, count: Int)] = []
        var numbers: [[Double]] = []
        for (at, places) in history.columns.population(on: .training) {
            let keys = places.map { history.columns.scores[$0] }.filter { !$0.isNaN }.map { objective.key($0) }
            guard let top = keys.max() else { continue }
            best = max(best, top)
            counts.append((Int(saturating: at), keys.count))
            numbers.append([best, top] + [0.5, 0.1, 0.9].map { Contender.quantile(keys, $0) ?? .nan })
        }
        let columns = (0..<5).map { place in Format.column(numbers.map { objective.key($0[place]) }) }
        return ChartTable(
            "\(objective.metric) of \(history.record.experiment.name) by training",
            columns: [
                Column("Training"), Column("Intervals"), Column("Best so far"), Column("Best"), Column("Median"),
                Column("P10"), Column("P90"),
            ],
            rows: counts.enumerated().map { row, step in
                ["\(step.training)", "\(step.count)"] + columns.map { $0[row] }
            }, note: counts.isEmpty ? "no interval has finished with a score yet" : nil)
    }

    /// Returns the diversity of the population over the course of training: the effective number of founders, and the
    /// interquartile range of each varying hyperparameter.
    ///
    /// For a hyperparameter on a logarithmic scale it is the ratio of the two quartiles, `×1` when they are equal; for
    /// a categorical one the effective number of values.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The table.
    public static func diversity(of history: History) -> ChartTable {
        let varying = history.varying
        let share = FounderShare(history)
        let rows = share.steps.map { step in
            let founders = Founders.effective(share.counts(history, at: step.places).values)
            return ["\(step.index + 1)", "\(step.places.count)", Format.fixed(founders, decimals: 2)]
                + varying.map { spread($0, step.places) }
        }
        return ChartTable(
            "Diversity of \(history.record.experiment.name)",
            columns: [Column("Intervals"), Column("Members"), Column("Effective founders")]
                + varying.map { varying in
                    Column(
                        varying.categories != nil
                            ? "Effective values of \(varying.name)"
                            : varying.isLogarithmic ? "Quartile ratio of \(varying.name)" : "IQR of \(varying.name)")
                },
            rows: rows, note: rows.isEmpty ? "no interval has finished with a score yet" : nil)
    }

    private static func spread(_ varying: Varying, _ places: [Int]) -> String {
        if varying.categories != nil {
            var counts: [Int: Int] = [:]
            for category in places.compactMap({ varying.category(at: $0) }) { counts[category, default: 0] += 1 }
            return Format.fixed(Founders.effective(counts.values), decimals: 2)
        }
        let numbers = places.map { varying.numbers[$0] }.filter { varying.isDrawn($0) }
        guard let low = Contender.quantile(numbers, 0.25), let high = Contender.quantile(numbers, 0.75) else {
            return "-"
        }
        return varying.isLogarithmic
            ? "×\(Format.significant(high / low, digits: 3))" : Format.significant(high - low, digits: 3)
    }

    /// Returns the effect of exploration: how often each hyperparameter was changed in each way when a member was
    /// replaced, and how often the first score after that was better than the donor's.
    ///
    /// A perturbed value outside its bounds is clipped to them; a column counts how often that happened.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The table; its first row counts all copies.
    public static func operators(of history: History) -> ChartTable {
        struct Tally {
            var times = 0
            var clipped = 0
            var scored = 0
            var better = 0
        }
        let objective = history.record.experiment.objective
        let space = history.record.experiment.space
        let intervals = history.genealogy.intervals
        var all = Tally()
        var tallies: [String: [String: Tally]] = [:]
        for piece in history.pieces where piece.isCopy {
            guard let place = piece.places.first, let parent = history.genealogy.parents[place] else { continue }
            let interval = intervals[place]
            let (score, donor) = (interval.finiteScore, intervals[parent].finiteScore)
            // A copy that diverged or failed is not better than its donor either.
            let isScored = interval.state.isFinished && donor != nil
            let isBetter = zip(score, donor).map { objective.isBetter($0, than: $1) } ?? false
            func count(_ tally: inout Tally, isClipped: Bool) {
                tally.times += 1
                if isClipped { tally.clipped += 1 }
                if isScored { tally.scored += 1 }
                if isBetter { tally.better += 1 }
            }
            count(&all, isClipped: false)
            for change in interval.changes {
                let bounds = space[change.name]?.numericBounds
                let new = change.new.double
                // Rows of earlier versions do not say that they were clipped.
                let isAtBound =
                    change.operation.hasPrefix("×")
                    && (bounds.map { bounds in new.map { $0 <= bounds.lowerBound || $0 >= bounds.upperBound } ?? false }
                        ?? false)
                count(
                    &tallies[change.name, default: [:]][change.operation, default: Tally()],
                    isClipped: change.isClipped || isAtBound)
            }
        }
        func row(_ name: String, _ operation: String, _ tally: Tally) -> [String] {
            let share =
                tally.scored > 0
                ? "\(Format.fixed(100 * Double(tally.better) / Double(tally.scored), decimals: 0)) %" : "-"
            return [name, operation, "\(tally.times)", "\(tally.clipped)", "\(tally.better)", "\(tally.scored)", share]
        }
        var rows: [[String]] = all.times > 0 ? [row("all", "copy", all)] : []
        for name in space.ordered(tallies.keys) {
            for (operation, tally) in (tallies[name] ?? [:]).sorted(by: { $0.key < $1.key }) {
                rows.append(row(name, operation, tally))
            }
        }
        return ChartTable(
            "Effect of exploration in \(history.record.experiment.name)",
            columns: [
                Column("Hyperparameter", .left), Column("Change", .left), Column("Count"), Column("Clipped"),
                Column("Better than donor"), Column("Scored"), Column("Share"),
            ], rows: rows, note: rows.isEmpty ? "no member has been replaced" : nil)
    }

    private static func zip(_ a: Double?, _ b: Double?) -> (Double, Double)? {
        guard let a, let b else { return nil }
        return (a, b)
    }

    /// Returns the data of ``Chart/comparison(of:options:)``: the final best scores of each contender over its seeds.
    ///
    /// - Parameters:
    ///   - histories: The runs.
    ///   - showsBaseline: True to include their random searches as one more contender.
    /// - Returns: The table, the best median first.
    public static func comparison(of histories: [History], showsBaseline: Bool = true) -> ChartTable {
        let objectives = Set(histories.map(\.record.experiment.objective))
        guard let objective = objectives.first, objectives.count == 1 else {
            return ChartTable(
                "Comparison", columns: [Column("Run", .left)], rows: [],
                note: objectives.isEmpty
                    ? "nothing to compare" : "runs with different objectives cannot be compared")
        }
        let contenders = Contender.all(histories, axis: .training, showsBaseline: showsBaseline)
        func cell(_ contender: Contender, _ share: Double) -> String {
            Contender.quantile(contender.finals, share).map { Format.score($0) } ?? "-"
        }
        let isMaximized = objective.goal == .maximize
        return ChartTable(
            "Best \(objective.metric) of each run",
            columns: [
                Column("Run", .left), Column("Seeds"), Column("Median"), Column("Lower quartile"),
                Column("Upper quartile"), Column("Best seed"), Column("Worst seed"), Column("Intervals"),
            ],
            rows: contenders.map { contender in
                [
                    contender.name, "\(contender.finals.count)", cell(contender, 0.5), cell(contender, 0.25),
                    cell(contender, 0.75), cell(contender, isMaximized ? 1 : 0), cell(contender, isMaximized ? 0 : 1),
                    "\(Int(saturating: contender.end))",
                ]
            })
    }
}
