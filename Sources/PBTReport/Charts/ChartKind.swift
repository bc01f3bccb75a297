// SPDX-License-Identifier: Apache-2.0

extension Chart {
    /// The pictures that there are.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Scores over training; see ``Chart/curves(of:options:)``.
        case curves
        /// The hyperparameters along an ancestry; see ``Chart/schedule(of:options:)``.
        case schedule
        /// Who took over whom; see ``Chart/lineage(of:options:)``.
        case lineage
        /// Two hyperparameters against each other; see ``Chart/scatter(of:options:)``.
        case scatter
        /// The founders' shares of the population; see ``Chart/share(of:options:)``.
        case share
        /// What each worker did, and when; see ``Chart/timeline(of:options:)``.
        case timeline
        /// The best so far of several experiments; see ``Chart/comparison(of:options:)``.
        case comparison
        /// Curves above schedule; see ``Chart/overview(of:options:)``.
        case overview
    }

    /// A picture of some kind.
    ///
    /// - Parameters:
    ///   - kind: Which one.
    ///   - history: What is drawn.
    ///   - others: What else is drawn in a comparison.
    ///   - options: How it is drawn.
    /// - Returns: The picture.
    public static func drawn(
        _ kind: Kind, of history: History, beside others: [History] = [], options: Options = Options()
    ) -> Chart {
        switch kind {
        case .curves: curves(of: history, options: options)
        case .schedule: schedule(of: history, options: options)
        case .lineage: lineage(of: history, options: options)
        case .scatter: scatter(of: history, options: options)
        case .share: share(of: history, options: options)
        case .timeline: timeline(of: history, options: options)
        case .comparison: comparison(of: [history] + others, options: options)
        case .overview: overview(of: history, options: options)
        }
    }
}
