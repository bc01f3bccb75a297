// SPDX-License-Identifier: Apache-2.0

/// The best intervals of some, best first.
///
/// Among equal scores the later index is better, whose checkpoint was trained for longer; then the tie is drawn as in a
/// ranking. So it does not depend on the order in which intervals finish.
package struct EliteRanking: Sendable {
    let most: Int
    let objective: Objective
    private let seed: UInt64
    package internal(set) var members: [Population.Member] = []

    /// Creates an empty ranking of at most `most` intervals.
    init(of most: Int, _ objective: Objective, seed: UInt64) {
        (self.most, self.objective, self.seed) = (most, objective, seed)
    }

    /// Adds intervals.
    package mutating func add(_ others: [Population.Member]) {
        guard !others.isEmpty else { return }
        members = Array((members + others).sorted(by: precedes).prefix(most))
    }

    /// Returns true if an interval with a score of this key could be among them.
    func isBetter(_ key: Double) -> Bool {
        guard members.count == most, let last = members.last else { return true }
        return key >= objective.key(last.score)
    }

    private func precedes(_ one: Population.Member, _ other: Population.Member) -> Bool {
        let (a, b) = (objective.key(one.score), objective.key(other.score))
        if a != b { return a > b }
        if one.index != other.index { return one.index > other.index }
        let ties = (
            Population.tie(of: one.interval, seed: seed), Population.tie(of: other.interval, seed: seed)
        )
        return ties.0 != ties.1 ? ties.0 < ties.1 : one.id < other.id
    }
}

extension Experiment {
    /// An empty ranking of the best intervals; nil if the experiment has no elites.
    package func eliteRanking() -> EliteRanking? {
        elites.map { EliteRanking(of: max(1, $0.count), objective, seed: seed) }
    }
}
