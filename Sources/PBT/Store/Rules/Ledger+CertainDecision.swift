// SPDX-License-Identifier: Apache-2.0

/// Decisions that are made as soon as they are certain, among the scores of one index: see ``Generation``.
extension Ledger {
    /// Adds a finished interval to its generation.
    ///
    /// - Parameters:
    ///   - interval: The interval; undecided afterwards if it is not certain what follows.
    ///   - standing: Its member's score; nil if it diverged or failed.
    ///   - record: The experiment; not written.
    /// - Returns: The intervals that can be decided about now, by member; nil if the member is decided about early: it
    ///   has no further interval, or it is not in step with the others.
    /// - Throws: The errors of the database.
    func report(
        _ interval: inout Interval, _ standing: Population.Member?, in record: inout ExperimentRecord
    ) throws -> [IntervalID]? {
        interval.isUndecided = false
        if record.experiment.halving != nil { return try reportToRung(&interval, standing, in: &record) }
        guard record.experiment.waitsForCertainty, !record.experiment.ends(after: interval) else { return nil }
        let generations = try generations(of: record)
        guard generations.contains(interval.id) else { return nil }
        generations.elitesBefore = generations.eliteIntervals
        generations.report(interval.id, undecided: true) { standing }
        let certain = generations.settled(by: interval.id)
        interval.isUndecided = !certain.contains(interval.id)
        record.undecided += 1 - certain.count
        return certain
    }

    /// Decides about members of a generation.
    ///
    /// - Parameters:
    ///   - certain: Their intervals.
    ///   - interval: The one that has just finished, which may be among them; its row is written already.
    ///   - record: The experiment; the caller writes it.
    /// - Returns: The intervals that were decided about, and the one that finished; the decisions.
    /// - Throws: The errors of the database.
    func decide(
        _ certain: [IntervalID], with interval: Interval, in record: inout ExperimentRecord
    ) throws -> (finished: [Interval], decisions: [Decision]) {
        if record.experiment.halving != nil { return try decideAtRungs(certain, with: interval, in: &record) }
        let generations = try generations(of: record)
        var finished: [Interval] = certain.contains(interval.id) ? [] : [interval]
        var decisions: [Decision] = []
        guard !certain.isEmpty else { return (finished, []) }
        let history = history(of: record)
        var (index, population) = (certain[0].index, generations[certain[0].index].population(of: generations.size))
        for id in certain {
            if id.index != index {
                (index, population) = (id.index, generations[id.index].population(of: generations.size))
            }
            var decided = id == interval.id ? interval : try existing(id, in: record)
            let when = Interval.Decided(
                after: record.finishedIntervals + 1, order: record.lateDecisions, members: generations.size)
            decisions.append(
                try record.experiment.decide(
                    after: decided, in: population, learningFrom: history, strategies: strategies, at: now,
                    revised: record.revisionNumber > 0
                ).decided(when))
            record.lateDecisions += 1
            generations.decide(id)
            if decided.isUndecided {
                decided.isUndecided = false
                try update(decided, in: record)
            }
            finished.append(decided)
        }
        return (finished, decisions)
    }

    /// Closes the generations that are complete.
    ///
    /// - Parameters:
    ///   - interval: The interval that has just finished.
    ///   - record: The experiment; the caller writes it.
    /// - Returns: The intervals that were possible donors and are no more.
    /// - Throws: The errors of the database.
    func advance(past interval: Interval, in record: inout ExperimentRecord) throws -> [IntervalID] {
        let generations = try generations(of: record)
        var former: [IntervalID] = []
        if record.experiment.halving == nil,
            let member = generations[interval.id.index].formerDonor(after: interval.id.member)
        {
            former.append(IntervalID(member: member, index: interval.id.index))
        }
        former += generations.advance()
        former += generations.elitesBefore.subtracting(generations.eliteIntervals).sorted()
        if generations.first > record.generation {
            record.generation = generations.first
            record.generationBegan = now
        }
        return former
    }
}
