// SPDX-License-Identifier: Apache-2.0

/// Decisions that are made when a worker claims, not when an interval finishes.
extension Ledger {
    /// Returns true if a claim that finds nothing waiting makes a decision: a late one, or one that has waited for
    /// certainty as long as the experiment's patience.
    func hasDueDecision(_ record: ExperimentRecord) throws -> Bool {
        guard record.undecided > 0 else { return false }
        if record.experiment.decides == .late { return true }
        guard record.experiment.waitsForCertainty, let patience = record.experiment.patience,
            let finished = try firstUndecided(in: record)?.finished
        else { return false }
        return finished.advanced(by: patience) <= now
    }

    /// Decides about the undecided interval with the least index; among those, the one that finished first.
    ///
    /// With the scores known at this time: all newest ones, or those at the interval's index.
    ///
    /// - Parameter record: The experiment; written.
    /// - Returns: The decision, whose next interval is waiting, and the names of checkpoints that became unreferenced;
    ///   nil if no interval is undecided.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy``, and the errors of the database.
    package func decideLate(
        in record: inout ExperimentRecord
    ) throws -> (decision: Decision, garbage: [String])? {
        guard record.undecided > 0, var interval = try firstUndecided(in: record) else { return nil }
        let experiment = record.experiment
        try strategies.check(experiment)
        let generations = experiment.waitsForCertainty ? try generations(of: record) : nil
        let generation = generations?[interval.id.index]
        let members = generation?.reportedCount ?? experiment.population
        let population = try generation?.population(of: members) ?? standings(of: record).population
        let decision = try experiment.decide(
            after: interval, in: population, learningFrom: history(of: record), strategies: strategies, at: now,
            revised: record.revisionNumber > 0
        ).decided(
            Interval.Decided(after: record.finishedIntervals, order: record.lateDecisions, members: members))
        guard let next = decision.next else {
            throw PBTError(
                .inconsistent,
                "interval \(interval.id) of \"\(experiment.name)\" awaits a decision, but is its member's last")
        }
        if decision.replaces { try setStanding(nil, ofMember: interval.id.member, in: record) }
        interval.isUndecided = false
        try update(interval, in: record)
        try insert([next], in: record)
        record.counts[.waiting, default: 0] += 1
        record.undecided -= 1
        record.lateDecisions += 1
        generations?.decide(interval.id)
        let garbage = try markUnreferenced(after: [interval], in: record)
        try update(record)
        return (decision, garbage.compactMap(\.checkpoint))
    }

    /// Adds a founder to an open random search; the caller writes the record.
    ///
    /// - Parameter record: The experiment.
    /// - Returns: The founder, which is waiting; nil for any other experiment.
    /// - Throws: The errors of the database.
    package func sampleFounder(in record: inout ExperimentRecord) throws -> Interval? {
        guard record.samplesFounders, record.experiment.population < Limits.members else { return nil }
        let founder = record.experiment.firstInterval(of: record.experiment.population, at: now)
        try add(founder, to: &record)
        return founder
    }
}
