// SPDX-License-Identifier: Apache-2.0

/// The scores that an exchange between sub-populations depends on; see ``ExploitRule/multiFrequency(every:)``.
///
/// Of m members of a sub-population n have reported; a quarter of it are q. It is certain
///
/// - that a ranked member continues: immediately if its sub-population does not exchange after this interval; else if
///   its rank r inside is in the better half whatever the others report, r + (m − n) < m − 2q;
/// - who replaces the worst quarter, and members that cannot be ranked: when all inside have reported (if none inside is
///   ranked, when all have);
/// - who migrates: when all have reported.
///
/// A checkpoint may be needed if its member's rank inside is below q, or below the quarter of another sub-population
/// that exchanges: each takes a migrant only after all better ones of the same sub-population.
struct ExchangeNeed: Sendable {
    private struct Part: Sendable {
        let members: StrideTo<Int>
        let size: Int
        let quarter: Int
        let isDue: Bool
        var donors: Int
        var reported = 0

        /// The number of members, from the best, that are certain to be in the better half.
        var certain: Int { reported - 2 * quarter }
    }

    private let division: Division
    private var parts: [Part]

    /// Creates the need of an exchange of which nothing is known; nil for other rules.
    ///
    /// - Parameters:
    ///   - experiment: The experiment.
    ///   - index: The index of the interval.
    ///   - size: The number of members in step.
    init?(_ experiment: Experiment, index: Int, size: Int) {
        guard let division = experiment.division else { return nil }
        self.division = division
        let isBurningIn = experiment.isBurningIn(after: index)
        parts = experiment.exploit.subPopulations.enumerated().map { number, subPopulation in
            let members = division.size(of: number, below: size)
            let quarter = ExploitRule.quarter(of: members)
            return Part(
                members: division.members(of: number, below: size), size: members, quarter: quarter,
                isDue: !isBurningIn && (index + 1).isMultiple(of: subPopulation.every), donors: max(1, quarter))
        }
        for taking in parts.indices where parts[taking].isDue {
            for number in parts.indices where number != taking {
                parts[number].donors = max(parts[number].donors, parts[taking].quarter)
            }
        }
    }

    /// Counts a member that has reported.
    mutating func report(_ member: Int) {
        parts[division.number(of: member)].reported += 1
    }

    /// Returns members that a report may have made certain.
    func candidates(after member: Int, in population: Population) -> [Int] {
        let number = division.number(of: member)
        let part = parts[number]
        if part.reported == part.size { return Array(part.members) }
        // Each report adds one member to those that are certain to be in the better half.
        let last = part.certain - 1
        guard part.isDue, last >= 0, last < population.count(of: number) else { return [] }
        return [population.member(at: last, of: number).id]
    }

    /// Returns true if the decision about a member that has reported cannot depend on missing scores.
    ///
    /// - Parameters:
    ///   - member: The member.
    ///   - population: The members that can be ranked.
    ///   - replacesLast: True if members are replaced only when all have reported, since a gate compares donors with
    ///     the spread of all scores, or a rule learns from all intervals.
    /// - Returns: True if it is certain.
    func isCertain(_ member: Int, in population: Population, replacingLast replacesLast: Bool) -> Bool {
        let number = division.number(of: member)
        let part = parts[number]
        let isComplete = part.reported == part.size
        guard let position = population.position(of: member) else {
            return !replacesLast && isComplete && population.count(of: number) > 0
        }
        if !part.isDue || position < part.certain { return true }
        return !replacesLast && isComplete && position >= part.size - part.quarter
    }

    /// Returns true if a decision may need a ranked member's checkpoint.
    func mayDonate(_ member: Int, in population: Population) -> Bool {
        population.position(of: member).map { $0 < parts[division.number(of: member)].donors } ?? false
    }

    /// The members whose checkpoints a decision may need.
    func possibleDonors(in population: Population) -> [Int] {
        parts.indices.flatMap { number in
            (0..<min(parts[number].donors, population.count(of: number))).map {
                population.member(at: $0, of: number).id
            }
        }
    }

    /// Returns the member that a report has just pushed out of the possible donors.
    func formerDonor(after member: Int, in population: Population) -> Int? {
        let number = division.number(of: member)
        let donors = parts[number].donors
        return population.count(of: number) > donors ? population.member(at: donors, of: number).id : nil
    }
}

extension Experiment {
    /// The number of members whose checkpoints a decision about sub-populations may need, for one interval.
    package var exchangeDonors: Int {
        guard let division else { return 0 }
        let quarters = (0..<division.count).map { ExploitRule.quarter(of: division.size(of: $0)) }
        // The first sub-populations are the largest; the first takes migrants from all others.
        return quarters.enumerated().reduce(0) { sum, part in
            let others = part.offset == 0 ? quarters.dropFirst().first ?? 0 : quarters[0]
            return sum + max(1, part.element, others)
        }
    }
}
