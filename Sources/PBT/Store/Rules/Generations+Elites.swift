// SPDX-License-Identifier: Apache-2.0

/// The elites of generations, see ``Elites``: the best intervals before each index at which decisions are still made.
///
/// Those before the first open index are a ranking of all closed ones, to which each generation that closes adds its
/// best. So elites cost O(count) for each index that is open, whatever the number of members.
extension Generations {
    /// Returns the best intervals before an index, of those that have reported.
    private func elites(before index: Int) -> EliteRanking? {
        guard var ranking = elites, let count = experiment.elites?.count else { return nil }
        for earlier in stride(from: first, to: index, by: 1) { ranking.add(open[earlier]?.best(count) ?? []) }
        return ranking
    }

    /// Returns the elites of an index; nil before all members have reported at all earlier ones, and without elites.
    func completeElites(before index: Int) -> [Population.Member]? {
        for earlier in stride(from: first, to: index, by: 1) where open[earlier]?.isComplete != true { return nil }
        return elites(before: index)?.members
    }

    /// Returns true if a decision may still return to an interval.
    ///
    /// More reports and later indices only ever remove an interval from the elites that it may be one of.
    package func isElite(_ id: IntervalID) -> Bool {
        let index = max(id.index + 1, first)
        guard index + 1 < experiment.intervals, let ranking = elites(before: index) else { return false }
        return ranking.members.contains { $0.interval == id }
    }

    /// The intervals that a decision may still return to.
    var eliteIntervals: Set<IntervalID> {
        guard var ranking = elites, let count = experiment.elites?.count else { return [] }
        var intervals: Set<IntervalID> = []
        var index = first
        while index + 1 < experiment.intervals {
            intervals.formUnion(ranking.members.map(\.interval))
            guard let generation = open[index] else { break }
            ranking.add(generation.best(count))
            index += 1
        }
        return intervals
    }
}
