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

    package init(_ experiment: Experiment, index: Int, size: Int) {
        self.index = index
        let size = experiment.halving == nil ? size : experiment.members(reportingAt: index)
        self.size = size
        self.experiment = experiment
        isBurningIn = experiment.isBurningIn(after: index)
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
    }

    /// Records that a member was decided about.
    package mutating func decide(_ member: Int) {
        undecided.remove(member)
    }

    /// Returns the undecided members that a member's report has made certain, by number.
    package func settled(by member: Int) -> [Int] {
        if reported.count == size { return undecided.sorted() }
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
        return population
    }
}

/// The generations of an experiment whose decisions wait for certainty, cached between transactions.
///
/// Generations close in order: nobody reports an index before it is decided about at the one before. Used by one
/// transaction at a time.
package final class Generations {
    /// The first index that is not closed; members that are behind it are decided about early.
    package private(set) var first: Int
    /// The number of members in step, which began together; later ones are decided about early.
    package let size: Int
    /// The number of the definition's revision that they were computed with.
    package let definition: Int
    /// The last change of a row that they contain; see ``Ledger/lastChange(in:)``.
    package var lastChange: Int64 = 0
    private let experiment: Experiment
    private var open: [Int: Generation] = [:]

    package init(_ experiment: Experiment, first: Int, size: Int, definition: Int) {
        self.experiment = experiment
        self.first = experiment.halving == nil ? first : experiment.rungIndex(notBefore: first) ?? experiment.intervals
        self.size = size
        self.definition = definition
    }

    /// Returns true if an interval belongs to a generation that is not closed.
    package func contains(_ id: IntervalID) -> Bool {
        id.member < size && id.index >= (experiment.halving == nil ? first : experiment.stageStart(of: first))
    }

    /// The generation of an index.
    package subscript(index: Int) -> Generation {
        get { open[index] ?? Generation(experiment, index: index, size: size) }
        set { open[index] = newValue }
    }

    /// The rungs to which the last members of the rung below have come with a report, and what it cost.
    package struct Passed {
        /// The indices of the rungs whose number of members is known now.
        package var rungs: [Int] = []
        /// The number of planned intervals that will not be trained, since too few members are left.
        package var lost = 0
    }

    /// Adds a finished interval, unless its generation has it already.
    ///
    /// At rungs, one that diverged or failed on the way is added to the next rung; others between rungs are ignored.
    ///
    /// - Parameters:
    ///   - id: The interval.
    ///   - isUndecided: True if the decision about it is still to be made.
    ///   - standing: Returns its score; nil if it diverged or failed.
    /// - Returns: The rungs that it completed the number of members of.
    /// - Throws: The errors of `standing`.
    @discardableResult
    package func report(
        _ id: IntervalID, undecided isUndecided: Bool, _ standing: () throws -> Population.Member?
    ) rethrows -> Passed {
        guard contains(id), let index = generation(of: id) else { return Passed() }
        if open[index]?.hasReported(id.member) == true {
            if !isUndecided, index == id.index { open[index]?.decide(id.member) }
            return Passed()
        }
        let member = try standing()
        guard index == id.index || member == nil else { return Passed() }
        if open[index] == nil { open[index] = Generation(experiment, index: index, size: size) }
        open[index]?.report(id.member, member, undecided: isUndecided)
        return passOn(from: index)
    }

    /// Returns the index of the generation that an interval belongs to.
    private func generation(of id: IntervalID) -> Int? {
        experiment.halving == nil ? id.index : experiment.rungIndex(notBefore: id.index)
    }

    /// Sets the number of members of the rungs above a complete one.
    private func passOn(from rung: Int) -> Passed {
        var passed = Passed()
        guard experiment.halving != nil else { return passed }
        var index = rung
        while let promoted = open[index]?.promoted {
            let planned = experiment.members(continuingAfter: index) ?? promoted
            let stage = experiment.stageEnd(of: index + 1) - (index + 1)
            guard let next = experiment.rungIndex(notBefore: index + 1) else {
                passed.lost += (planned - promoted).multiplied(saturatingBy: stage)
                break
            }
            if open[next] == nil { open[next] = Generation(experiment, index: next, size: size) }
            guard open[next]?.isExpected == false else { break }
            passed.lost += (planned - promoted).multiplied(saturatingBy: stage)
            open[next]?.expect(promoted)
            passed.rungs.append(next)
            index = next
        }
        return passed
    }

    /// Sets the number of members that come to the first open rung.
    package func expect(_ members: Int) {
        guard experiment.rung(at: first) != nil else { return }
        if open[first] == nil { open[first] = Generation(experiment, index: first, size: size) }
        open[first]?.expect(members)
    }

    /// Returns the undecided intervals at rungs that a report has made certain.
    ///
    /// - Parameters:
    ///   - id: The interval that was reported.
    ///   - passed: The result of the report.
    /// - Returns: The intervals, rung by rung.
    package func settled(by id: IntervalID, _ passed: Passed) -> [IntervalID] {
        guard let index = generation(of: id) else { return [] }
        var settled = self[index].settled(by: id.member).map { IntervalID(member: $0, index: index) }
        for rung in passed.rungs where rung != index {
            settled += self[rung].certain.map { IntervalID(member: $0, index: rung) }
        }
        return settled
    }

    /// Records that a member was decided about.
    package func decide(_ id: IntervalID) {
        open[id.index]?.decide(id.member)
    }

    /// Returns true if a decision may still need the checkpoint of an interval.
    package func mayDonate(_ id: IntervalID) -> Bool {
        contains(id) && open[id.index]?.mayDonate(id.member) ?? false
    }

    /// Closes the generations that are complete.
    ///
    /// - Returns: The intervals that were possible donors and are no more.
    package func advance() -> [IntervalID] {
        var former: [IntervalID] = []
        while let generation = open[first], generation.isClosed {
            former += generation.possibleDonors.map { IntervalID(member: $0, index: first) }
            open[first] = nil
            first =
                experiment.halving == nil
                ? first + 1 : experiment.rungIndex(notBefore: first + 1) ?? experiment.intervals
        }
        return former
    }

    /// Closes the generations before an index, as another process did.
    package func advance(to index: Int) {
        guard experiment.halving == nil else {
            // The rung above needs to know how many came from below.
            _ = advance()
            return
        }
        while first < index {
            open[first] = nil
            first += 1
        }
    }

    /// Returns true if they belong to this definition.
    package func isCurrent(for record: ExperimentRecord) -> Bool {
        definition == record.revisionNumber && first <= record.generation
    }
}

extension [Revision] {
    /// The number of members that began together: those that an edit added before anything had finished are among
    /// them, those that it added later or that had retired in between are not.
    package var membersInStep: Int {
        dropFirst().reduce(first?.experiment.population ?? 0) { size, revision in
            revision.after == 0 ? revision.experiment.population : Swift.min(size, revision.experiment.population)
        }
    }
}

extension Ledger {
    /// Returns the generations with all finished intervals, read from the rows.
    package func readGenerations(of record: ExperimentRecord) throws -> Generations {
        if record.experiment.halving != nil { return try readRungs(of: record) }
        let size =
            record.revisionNumber == 0 ? record.experiment.population : try revisions(in: record).membersInStep
        let generations = Generations(
            record.experiment, first: record.generation, size: size, definition: record.revisionNumber)
        var index = record.generation
        while true {
            let rows = try intervals(in: record, index: index)
            guard !rows.isEmpty else { break }
            for interval in rows where interval.state.isFinished { try generations.report(interval, in: record, self) }
            index += 1
        }
        return generations
    }
}

extension Generations {
    /// Adds a finished interval, with its window of scores read from the rows.
    package func report(_ interval: Interval, in record: ExperimentRecord, _ rows: some Ledger) throws {
        try report(interval.id, undecided: interval.isUndecided) {
            guard let standing = record.experiment.standing(of: interval, after: nil) else { return nil }
            return try rows.standing(rebuilding: standing, in: record)
        }
    }
}
