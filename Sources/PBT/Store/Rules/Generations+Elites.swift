// SPDX-License-Identifier: Apache-2.0

/// The elites of generations, see ``Elites``: the best intervals before each index at which decisions are still made.
///
/// Those before the first open index are a ranking of all closed ones, to which each generation that closes adds its
/// best. So elites cost O(count) for each index that is open, whatever the number of members.
extension Generations {
    /// Returns the elites of an index; nil before all members have reported at all earlier ones, and without elites.
    func completeElites(before index: Int) -> [Population.Member]? {
        guard var ranking = elites, let count = experiment.elites?.count else { return nil }
        for earlier in stride(from: first, to: index, by: 1) {
            guard let generation = open[earlier], generation.isComplete else { return nil }
            ranking.add(generation.best(count))
        }
        return ranking.members
    }

    /// The intervals that a decision may still return to.
    ///
    /// More reports and later indices only ever remove an interval from them, so none is missed that was deleted.
    package var eliteIntervals: Set<IntervalID> {
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
