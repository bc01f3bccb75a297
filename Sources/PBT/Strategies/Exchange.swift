// SPDX-License-Identifier: Apache-2.0

/// The exchange between sub-populations after one interval: a pure function of the scores at its index.
///
/// See ``ExploitRule/multiFrequency(every:)``. A choice takes O(log n) comparisons, those with migrants also the time
/// of listing them, once for each sub-population and ranking.
struct Exchange {
    private let subPopulations: [ExploitRule.SubPopulation]
    private let division: Division
    private let index: Int
    private let population: Population

    /// Creates the exchange after the interval of an index.
    ///
    /// - Parameters:
    ///   - subPopulations: The sub-populations; not empty.
    ///   - division: Their members.
    ///   - index: The index of the interval.
    ///   - population: The members that can be ranked.
    init(
        _ subPopulations: [ExploitRule.SubPopulation], _ division: Division, after index: Int, in population: Population
    ) {
        self.subPopulations = subPopulations
        self.division = division
        self.index = index
        self.population = population.divided(by: division)
    }

    /// Returns a member's part of the exchange.
    func choice(for member: Int) -> ExploitChoice {
        let number = division.number(of: member)
        let size = size(of: number)
        let quarter = ExploitRule.quarter(of: size)
        let every = subPopulations[number].every
        var choice = ExploitChoice(rank: population.rank(of: member), size: population.size)
        var inside = ExploitChoice.SubPopulation(
            number: number, count: subPopulations.count, every: every, isDue: (index + 1).isMultiple(of: every),
            rank: population.position(of: member), size: size, quarter: quarter)
        if let position = inside.rank {
            if inside.isDue, position >= size - quarter {
                choice.donor = population.member(at: position - (size - quarter), of: number)
            } else if inside.isDue, position >= size - 2 * quarter {
                let migration = migrations(into: number)[position - (size - 2 * quarter)]
                inside.candidate = migration.candidate.map { population[rank: $0] }
                if migration.isTaken, let migrant = inside.candidate {
                    choice.donor = migrant
                    inside.origin = origin(of: migrant, into: number)
                }
            }
        } else {
            choice.donor = replacement(for: member, in: number, quarter: quarter, size: size)
        }
        choice.subPopulation = inside
        return choice
    }

    /// The number of members of a sub-population: all that exist, or the ranked ones if others are not waited for.
    private func size(of number: Int) -> Int {
        let ranked = population.count(of: number)
        if population.isPartial { return ranked }
        return max(ranked, division.size(of: number, below: population.size))
    }

    /// Returns the donor for a member that cannot be ranked; its position is after all that can, by number.
    private func replacement(for member: Int, in number: Int, quarter: Int, size: Int) -> Population.Member? {
        let ranked = population.count(of: number)
        guard ranked > 0 else { return population.count > 0 ? population[rank: 0] : nil }
        let donors = min(max(1, quarter), ranked)
        let position = ranked + population.unrankedPosition(of: member, in: division.members(of: number), number)
        let place = position >= size - quarter ? position - (size - quarter) : position
        return population.member(at: place % donors, of: number)
    }

    private func origin(of migrant: Population.Member, into number: Int) -> ExploitChoice.Origin {
        let from = subPopulations[division.number(of: migrant.id)].every
        let every = subPopulations[number].every
        if from > every { return .donor }
        return from < every ? .best(population.member(at: 0, of: number)) : .own
    }

    /// Returns the candidates for a sub-population's places for migrants, the best place first.
    private func migrations(into number: Int) -> [Population.Migration] {
        population.migrations(into: number) {
            let (size, ranked) = (size(of: number), population.count(of: number))
            let quarter = ExploitRule.quarter(of: size)
            var outside = (0..<population.count).lazy.filter {
                division.number(of: population[idAt: $0]) != number
            }.makeIterator()
            var candidate = outside.next()
            return (0..<quarter).map { place in
                let position = size - 2 * quarter + place
                // A member that cannot be ranked is replaced from inside.
                guard position < ranked, let migrant = candidate,
                    let rank = population.rank(of: population.member(at: position, of: number).id)
                else { return Population.Migration(candidate: nil, isTaken: false) }
                let isTaken = migrant < rank
                if isTaken { candidate = outside.next() }
                return Population.Migration(candidate: migrant, isTaken: isTaken)
            }
        }
    }
}
