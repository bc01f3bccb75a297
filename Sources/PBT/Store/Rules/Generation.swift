// SPDX-License-Identifier: Apache-2.0

/// The scores that members have at one index, and the decisions that depend on scores still missing there.
///
/// A score does not change once it is recorded, so a decision about a member at an index is a function of rows. It is
/// *certain* as soon as the missing scores cannot change it:
///
/// - truncation: of N members n have reported and b are replaced. A member at rank r stays if r + (N − n) < N − b. Who
///   is replaced, and by whom, is known when all have reported.
/// - tournament and t-test: the rival is drawn without regard to scores, so it is certain when both have reported.
/// - otherwise: when all have reported.
///
/// Diverged and failed intervals have reported; they rank last. Reporting takes O(log n) comparisons.
package struct Generation: Sendable {
    /// The scores that a decision depends on.
    private enum Need: Sendable {
        case ranks(bottom: Int)
        case rival
        case all
    }

    /// The index of its intervals.
    package let index: Int
    /// The number of members in step.
    package let size: Int
    /// The members with a score at this index.
    package private(set) var population: Population
    private let need: Need
    /// The number of members that may be donors, from the best; nil if any may be.
    private let donors: Int?
    private var reported: Set<Int> = []
    private var undecided: Set<Int> = []
    /// The members that are compared with a member, by that member.
    private var pursuers: [Int: [Int]] = [:]
    /// The rival of each member.
    private var rivals: [Int?] = []

    package init(_ experiment: Experiment, index: Int, size: Int) {
        self.index = index
        self.size = size
        population = Population(objective: experiment.objective, seed: experiment.seed, size: size)
        var isExploredByAll = experiment.learnsFromHistory
        if case .custom = experiment.explore.kind { isExploredByAll = true }
        switch experiment.exploit.kind {
        case .truncation(let bottom, let top):
            need = .ranks(bottom: ExploitRule.count(of: bottom, among: size))
            donors = max(1, ExploitRule.count(of: top, among: size))
        case .binaryTournament, .tTest:
            // A strategy that explores is given the whole population, and a model learns from all of it.
            need = isExploredByAll ? .all : .rival
            donors = nil
        case .best:
            need = .all
            donors = 1
        case .custom, .none:
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
        (0..<min(donors ?? .max, population.count)).map { population[rank: $0].id }
    }

    /// The member that was just pushed out of the possible donors, by the last report.
    package var formerDonor: Int? {
        guard let donors, population.count > donors else { return nil }
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
        case .rival: candidates += pursuers[member] ?? []
        case .all: return []
        }
        return Set(candidates).filter { undecided.contains($0) && isCertain($0) }.sorted()
    }

    /// Returns true if the decision about a member that has reported cannot depend on missing scores.
    package func isCertain(_ member: Int) -> Bool {
        if reported.count == size { return true }
        guard reported.contains(member), let rank = population.rank(of: member) else { return false }
        switch need {
        case .ranks(let bottom): return rank + (size - reported.count) < size - bottom
        case .rival: return rivals[member].map { reported.contains($0) } ?? true
        case .all: return false
        }
    }

    /// Returns true if a decision of this generation may still need a member's checkpoint.
    package func mayDonate(_ member: Int) -> Bool {
        guard !isClosed, let rank = population.rank(of: member) else { return false }
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
        self.first = first
        self.size = size
        self.definition = definition
    }

    /// Returns true if an interval belongs to a generation that is not closed.
    package func contains(_ id: IntervalID) -> Bool {
        id.member < size && id.index >= first
    }

    /// The generation of an index.
    package subscript(index: Int) -> Generation {
        get { open[index] ?? Generation(experiment, index: index, size: size) }
        set { open[index] = newValue }
    }

    /// Adds a finished interval, unless its generation has it already.
    ///
    /// - Parameters:
    ///   - id: The interval.
    ///   - isUndecided: True if the decision about it is still to be made.
    ///   - standing: Returns its score; nil if it diverged or failed.
    /// - Throws: The errors of `standing`.
    package func report(
        _ id: IntervalID, undecided isUndecided: Bool, _ standing: () throws -> Population.Member?
    ) rethrows {
        guard contains(id) else { return }
        if open[id.index]?.hasReported(id.member) == true {
            if !isUndecided { open[id.index]?.decide(id.member) }
            return
        }
        let member = try standing()
        if open[id.index] == nil { open[id.index] = Generation(experiment, index: id.index, size: size) }
        open[id.index]?.report(id.member, member, undecided: isUndecided)
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
            first += 1
        }
        return former
    }

    /// Closes the generations before an index, as another process did.
    package func advance(to index: Int) {
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
