// SPDX-License-Identifier: Apache-2.0

extension Chart {
    /// The kinds of charts.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Scores over training; see ``Chart/curves(of:options:)``.
        case curves
        /// The hyperparameters along a lineage; see ``Chart/schedule(of:options:)``.
        case schedule
        /// Members, and the copies between them; see ``Chart/lineage(of:options:)``.
        case lineage
        /// Two hyperparameters or metrics against each other; see ``Chart/scatter(of:options:)``.
        case scatter
        /// The founders' shares of the population; see ``Chart/share(of:options:)``.
        case share
        /// The intervals of each worker over time; see ``Chart/timeline(of:options:)``.
        case timeline
        /// The best scores so far of several experiments; see ``Chart/comparison(of:options:)``.
        case comparison
        /// Curves above schedule; see ``Chart/overview(of:options:)``.
        case overview
    }

    /// Returns a chart of a given kind.
    ///
    /// - Parameters:
    ///   - kind: The kind.
    ///   - history: The experiment.
    ///   - others: The other experiments of a comparison, or of a scatter chart with several panels.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func drawn(
        _ kind: Kind, of history: History, comparedWith others: [History] = [], options: Options = Options()
    ) -> Chart {
        switch kind {
        case .curves: curves(of: history, options: options)
        case .schedule: schedule(of: history, options: options)
        case .lineage: lineage(of: history, options: options)
        case .scatter where !others.isEmpty: scatter(of: history, nextTo: others, options: options)
        case .scatter: scatter(of: history, options: options)
        case .share: share(of: history, options: options)
        case .timeline: timeline(of: history, options: options)
        case .comparison: comparison(of: [history] + others, options: options)
        case .overview: overview(of: history, options: options)
        }
    }
}
