// SPDX-License-Identifier: Apache-2.0

/// The scores that members have at one index, and the decisions that depend on scores still missing there.
///
/// A score does not change once it is recorded, so a decision about a member at an index is a function of rows. It is
/// *certain* as soon as the missing scores cannot change it:
///
/// - truncation: of N members n have reported and b are replaced. A member at rank r stays if r + (N − n) < N − b. Who
///   is replaced, and by whom, is known when all have reported.
/// - sub-populations: see ``ExchangeNeed``.
/// - tournament and t-test: the rival is drawn without regard to scores, so it is certain when both have reported. With
///   a gate that depends on the spread of all scores, a member whose rival is better waits for them.
/// - a rung of successive halving: of N members the best b continue. A member at rank r continues if r + (N − n) < b,
///   and ends if r ≥ b. N is not known before the rung below is complete, and planned until then.
/// - otherwise: when all have reported.
/// - before the end of the burn-in: for a member with a score, immediately.
/// - with ``Elites``: nothing before it is known that the population has not collapsed, which takes all scores before
///   this index and one here that is close to the best elite; if there is none, when all have reported.
///
/// Diverged and failed intervals have reported; they rank last. Reporting takes O(log n) comparisons.
package struct Generation: Sendable {
    /// The scores that a decision depends on.
    private enum Need: Sendable {
        case ranks(bottom: Int)
        case rival
        case best(Int)
        case exchange
        case all
    }

    /// The index of its intervals.
    package let index: Int
    /// The number of members in step; at a rung, the number of those that are still to be expected there.
    package private(set) var size: Int
    /// True if the number of members that come to the rung is known.
    package private(set) var isExpected = false
    /// The members with a score at this index.
    package private(set) var population: Population
    private let need: Need
    private let experiment: Experiment
    /// True if members with a score keep their own weights whatever the others report.
    private let isBurningIn: Bool
    /// The number of members that may be donors, from the best; nil if any may be.
    private let donors: Int?
    private var reported: Set<Int> = []
    private var undecided: Set<Int> = []
    /// The members that are compared with a member, by that member.
    private var pursuers: [Int: [Int]] = [:]
    /// The rival of each member.
    private var rivals: [Int?] = []
    private var exchange: ExchangeNeed?
    /// True while it is not known whether the population has collapsed, so that members may return to elites.
    private var mayCollapse: Bool
    /// The member whose report has shown that it has not.
    private var rescuer: Int?

    package init(_ experiment: Experiment, index: Int, size: Int) {
        self.index = index
        let size = experiment.halving == nil ? size : experiment.members(reportingAt: index)
        self.size = size
        self.experiment = experiment
        isBurningIn = experiment.isBurningIn(after: index)
        mayCollapse = experiment.elites != nil && index > 0
        population = Population(
            objective: experiment.objective, seed: experiment.seed, size: size, division: experiment.division)
        exchange = ExchangeNeed(experiment, index: index, size: size)
        if experiment.halving != nil {
            need = experiment.members(continuingAfter: index).map { .best($0) } ?? .all
            donors = 0
            return
        }
        switch experiment.exploit.kind {
        case .truncation(let bottom, let top):
            need = .ranks(bottom: ExploitRule.count(of: bottom, among: size))
            donors = max(1, ExploitRule.count(of: top, among: size))
        case .binaryTournament, .tTest:
            need = experiment.exploresFromAll ? .all : .rival
            donors = nil
        case .best:
            need = .all
            donors = 1
        case .multiFrequency:
            need = .exchange
            donors = nil
        case .custom, .none, .itself:
            need = .all
            donors = nil
        }
        guard case .rival = need else { return }
        for member in 0..<size {
            let rival = experiment.rival(after: IntervalID(member: member, index: index), among: size)
            rivals.append(rival)
            if let rival { pursuers[rival, default: []].append(member) }
        }
    }

    /// The number of members whose intervals are finished.
    package var reportedCount: Int { reported.count }

    /// True if all members have reported and are decided about.
    package var isClosed: Bool { reported.count == size && undecided.isEmpty }

    /// The members at ranks from which a donor may come; all if any may be one.
    package var possibleDonors: [Int] {
        if let exchange { return exchange.possibleDonors(in: population) }
        return (0..<min(donors ?? .max, population.count)).map { population[rank: $0].id }
    }

    /// Returns the member that a report has just pushed out of the possible donors.
    package func formerDonor(after member: Int) -> Int? {
        if let exchange { return exchange.formerDonor(after: member, in: population) }
        guard let donors, donors > 0, population.count > donors else { return nil }
        return population[rank: donors].id
    }

    /// Returns true if a member's interval is finished.
    package func hasReported(_ member: Int) -> Bool { reported.contains(member) }

    /// Returns true if a decision about a member is still to be made.
    package func isUndecided(_ member: Int) -> Bool { undecided.contains(member) }

    /// Adds a finished interval.
    ///
    /// - Parameters:
    ///   - member: The member.
    ///   - standing: Its score; nil if it diverged or failed.
    ///   - isUndecided: True if the decision about it is still to be made.
    package mutating func report(_ member: Int, _ standing: Population.Member?, undecided isUndecided: Bool) {
        guard reported.insert(member).inserted else {
            if !isUndecided { undecided.remove(member) }
            return
        }
        if let standing { population.update(standing) }
        exchange?.report(member)
        if isUndecided { undecided.insert(member) }
        if mayCollapse, !population.elites.isEmpty, !hasCollapsed {
            mayCollapse = false
            rescuer = member
        }
    }

    /// Sets the best intervals before this index, once all of them are known.
    package mutating func setElites(_ elites: [Population.Member]) {
        population.elites = elites
        if elites.isEmpty || !hasCollapsed { mayCollapse = false }
    }

    /// True if the members that have reported have collapsed.
    private var hasCollapsed: Bool { experiment.elites?.collapse(of: population) != nil }

    /// True if all members have reported.
    var isComplete: Bool { reported.count == size }

    /// The best members, at most as many as an experiment's elites.
    func best(_ count: Int) -> [Population.Member] {
        (0..<max(0, min(count, population.count))).map { population[rank: $0] }
    }

    /// Records that a member was decided about.
    package mutating func decide(_ member: Int) {
        undecided.remove(member)
    }

    /// Returns the undecided members that a member's report has made certain, by number.
    package func settled(by member: Int) -> [Int] {
        if reported.count == size { return undecided.sorted() }
        if rescuer == member { return certain }
        var candidates = [member]
        switch need {
        case .ranks(let bottom):
            // The ranks above this one are certain; each report adds one.
            let last = reported.count - bottom - 1
            if last >= 0, last < population.count { candidates.append(population[rank: last].id) }
        case .best(let kept):
            let last = kept - 1 - (size - reported.count)
            if last >= 0, last < population.count { candidates.append(population[rank: last].id) }
            // The one that was pushed out.
            if kept < population.count { candidates.append(population[rank: kept].id) }
        case .rival: candidates += pursuers[member] ?? []
        case .exchange: candidates += exchange?.candidates(after: member, in: population) ?? []
        case .all: break
        }
        return Set(candidates).filter { undecided.contains($0) && isCertain($0) }.sorted()
    }

    /// Returns true if the decision about a member that has reported cannot depend on missing scores.
    package func isCertain(_ member: Int) -> Bool {
        if reported.count == size { return true }
        guard reported.contains(member) else { return false }
        if mayCollapse { return isBurningIn && population.rank(of: member) != nil }
        if let exchange {
            return exchange.isCertain(
                member, in: population,
                replacingLast: experiment.gate?.spread != nil || experiment.exploresFromAll)
        }
        guard let rank = population.rank(of: member) else { return false }
        if isBurningIn { return true }
        switch need {
        case .ranks(let bottom): return rank + (size - reported.count) < size - bottom
        case .best(let kept): return rank + (size - reported.count) < kept || rank >= kept
        case .rival:
            guard rivals[member].map({ reported.contains($0) }) ?? true else { return false }
            return experiment.gate?.spread == nil || !isOutdone(member)
        case .exchange, .all: return false
        }
    }

    /// Returns true if a member's rival would replace it, unless a gate keeps it.
    private func isOutdone(_ member: Int) -> Bool {
        var random = RandomStream(seed: experiment.seed, .exploit, member: member, index: index + 1)
        return experiment.exploit.donor(
            for: member, depth: .max, in: population, rivalsBy: .number, using: &random) != nil
    }

    /// Sets the number of members that come to a rung, once the one below is complete.
    package mutating func expect(_ members: Int) {
        size = members
        isExpected = true
    }

    /// The number of members that continue beyond a rung, if all have reported; nil otherwise.
    package var promoted: Int? {
        guard case .best(let kept) = need, reported.count == size else { return nil }
        return min(kept, population.count)
    }

    /// The undecided members that can be decided about, by number.
    package var certain: [Int] {
        undecided.filter { isCertain($0) }.sorted()
    }

    /// Returns true if a decision of this generation may still need a member's checkpoint.
    package func mayDonate(_ member: Int) -> Bool {
        guard !isClosed, let rank = population.rank(of: member) else { return false }
        if let exchange { return exchange.mayDonate(member, in: population) }
        if let donors { return rank < donors }
        guard case .rival = need else { return true }
        // A member that fails is replaced by one of the better half.
        return rank < (size + 1) / 2
            || (pursuers[member] ?? []).contains { undecided.contains($0) || !reported.contains($0) }
    }

    /// Returns the population for a decision.
    ///
    /// - Parameter members: The number of members that count; fewer than ``size`` if some scores are not waited for.
    /// - Returns: The members with a score.
    package func population(of members: Int) -> Population {
        var population = population
        population.declaredSize = members
        population.isPartial = members < size
        // What is known before all have reported depends on the moment.
        if population.isPartial { population.elites = [] }
        return population
    }
}
