// SPDX-License-Identifier: Apache-2.0

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
    let experiment: Experiment
    private(set) var open: [Int: Generation] = [:]
    /// The best intervals before the first index that is not closed; nil without ``Elites``.
    private(set) var elites: EliteRanking?
    /// The intervals whose checkpoints were kept as elites' before the last report.
    var elitesBefore: Set<IntervalID> = []

    package init(_ experiment: Experiment, first: Int, size: Int, definition: Int) {
        self.experiment = experiment
        self.first = experiment.halving == nil ? first : experiment.rungIndex(notBefore: first) ?? experiment.intervals
        self.size = size
        self.definition = definition
        elites = experiment.eliteRanking()
    }

    /// Returns true if an interval belongs to a generation that is not closed.
    package func contains(_ id: IntervalID) -> Bool {
        id.member < size && id.index >= (experiment.halving == nil ? first : experiment.stageStart(of: first))
    }

    /// The generation of an index.
    package subscript(index: Int) -> Generation {
        get { open[index] ?? emptyGeneration(at: index) }
        set { open[index] = newValue }
    }

    /// Returns an empty generation, with its elites if they are known.
    private func emptyGeneration(at index: Int) -> Generation {
        var generation = Generation(experiment, index: index, size: size)
        if let elites = completeElites(before: index) { generation.setElites(elites) }
        return generation
    }

    /// Sets the elites of the generation after one that is complete.
    private func passElites(from index: Int) {
        guard elites != nil, open[index]?.isComplete == true, open[index + 1] != nil,
            let known = completeElites(before: index + 1)
        else { return }
        open[index + 1]?.setElites(known)
    }

    /// Sets the best intervals before the first index that is not closed, read from the rows.
    func setElites(_ ranking: EliteRanking?) { elites = ranking }

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
        if open[index] == nil { open[index] = emptyGeneration(at: index) }
        open[index]?.report(id.member, member, undecided: isUndecided)
        passElites(from: index)
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

    /// Returns the undecided intervals that a report has made certain.
    ///
    /// - Parameters:
    ///   - id: The interval that was reported.
    ///   - passed: The result of the report.
    /// - Returns: The intervals, index by index.
    package func settled(by id: IntervalID, _ passed: Passed = Passed()) -> [IntervalID] {
        guard let index = generation(of: id) else { return [] }
        var settled = self[index].settled(by: id.member).map { IntervalID(member: $0, index: index) }
        // The elites of the next index are known now.
        if elites != nil, let next = open[index + 1], open[index]?.isComplete == true {
            settled += next.certain.map { IntervalID(member: $0, index: index + 1) }
        }
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
            closeElites(of: generation)
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
            if let generation = open[first] { closeElites(of: generation) }
            open[first] = nil
            first += 1
        }
    }

    private func closeElites(of generation: Generation) {
        guard let count = experiment.elites?.count else { return }
        elites?.add(generation.best(count))
    }

    /// Returns true if they belong to this definition.
    package func isCurrent(for record: ExperimentRecord) -> Bool {
        definition == record.revisionNumber && first <= record.generation
    }
}
