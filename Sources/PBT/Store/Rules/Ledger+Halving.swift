// SPDX-License-Identifier: Apache-2.0

/// The rungs of successive halving: decisions that are made as soon as they are certain, see ``Halving``.
extension Ledger {
    /// Adds a finished interval to the rung that it leads to; one that diverged or failed, to the next rung, as missing.
    ///
    /// - Parameters:
    ///   - interval: The interval; undecided afterwards if it is at a rung and not certain what follows.
    ///   - standing: Its member's score; nil if it diverged or failed.
    ///   - record: The experiment; not written.
    /// - Returns: The intervals that can be decided about now, this one first if it is among them.
    /// - Throws: The errors of the database.
    func reportToRung(
        _ interval: inout Interval, _ standing: Population.Member?, in record: inout ExperimentRecord
    ) throws -> [IntervalID] {
        let generations = try generations(of: record)
        let awaitsRung = interval.state == .done && record.experiment.rung(at: interval.id.index) != nil
        let passed = generations.report(interval.id, undecided: awaitsRung) { standing }
        record.skipped += passed.lost
        let settled = generations.settled(by: interval.id, passed)
        interval.isUndecided = awaitsRung && !settled.contains(interval.id)
        record.undecided += (awaitsRung ? 1 : 0) - settled.count
        return awaitsRung ? settled : [interval.id] + settled
    }

    /// Decides about members of any rungs.
    ///
    /// - Parameters:
    ///   - certain: Their intervals.
    ///   - interval: The one that has just finished, which may be among them; its row is written already.
    ///   - record: The experiment; the caller writes it.
    /// - Returns: The intervals that were decided about, and the one that finished; the decisions.
    /// - Throws: The errors of the database.
    func decideAtRungs(
        _ certain: [IntervalID], with interval: Interval, in record: inout ExperimentRecord
    ) throws -> (finished: [Interval], decisions: [Decision]) {
        let generations = try generations(of: record)
        var finished: [Interval] = certain.contains(interval.id) ? [] : [interval]
        var decisions: [Decision] = []
        for id in certain {
            var decided = id == interval.id ? interval : try existing(id, in: record)
            var decision = try record.experiment.decide(
                after: decided, in: generations[id.index].population(of: generations.size), strategies: strategies,
                at: now, revised: record.revisionNumber > 0)
            if decided.state == .done, record.experiment.rung(at: id.index) != nil {
                if decision.next != nil {
                    decision = decision.decided(
                        Interval.Decided(
                            after: record.finishedIntervals + 1, order: record.lateDecisions,
                            members: generations.size))
                    record.lateDecisions += 1
                }
                generations.decide(id)
            }
            decisions.append(decision)
            if decided.isUndecided {
                decided.isUndecided = false
                try update(decided, in: record)
            }
            finished.append(decided)
        }
        return (finished, decisions)
    }

    /// Returns the rungs that are not complete, read from the rows.
    func readRungs(of record: ExperimentRecord) throws -> Generations {
        let experiment = record.experiment
        let generations = Generations(
            experiment, first: record.generation, size: experiment.population, definition: record.revisionNumber)
        var index = experiment.stageStart(of: generations.first)
        if index > 0 { generations.expect(try intervals(in: record, index: index).count) }
        while true {
            let rows = try intervals(in: record, index: index)
            guard !rows.isEmpty else { return generations }
            for interval in rows where interval.state.isFinished { try generations.report(interval, in: record, self) }
            index += 1
        }
    }
}
