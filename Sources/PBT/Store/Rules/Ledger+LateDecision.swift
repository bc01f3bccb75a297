// SPDX-License-Identifier: Apache-2.0

/// What is decided when somebody asks for work, and not when an interval finishes.
extension Ledger {
    /// Decides about the finished interval that has waited for it: the one with the least index, of these the one that
    /// finished first.
    ///
    /// - Parameter record: The experiment; written.
    /// - Returns: The decision, whose next interval waits, and names of checkpoints that nothing needs any more;
    ///   nothing when every finished interval is decided about.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy``, and what the rows throw.
    package func decideLate(
        in record: inout ExperimentRecord
    ) throws -> (decision: Decision, garbage: [String])? {
        guard record.undecided > 0, var interval = try firstUndecided(in: record) else { return nil }
        let experiment = record.experiment
        try strategies.check(experiment)
        let decision = try experiment.decide(
            after: interval, in: standings(of: record).population, strategies: strategies, at: now,
            revised: record.revisionNumber > 0
        ).decided(
            Interval.Decided(
                after: record.finishedIntervals, order: record.lateDecisions, members: experiment.population))
        guard let next = decision.next else {
            throw PBTError(
                .inconsistent,
                "interval \(interval.id) of \"\(experiment.name)\" waits for a decision, but is its member's last")
        }
        if decision.replaces { try setStanding(nil, ofMember: interval.id.member, in: record) }
        interval.isUndecided = false
        try update(interval, in: record)
        try insert([next], in: record)
        record.counts[.waiting, default: 0] += 1
        record.undecided -= 1
        record.lateDecisions += 1
        let garbage = try markUnreferenced(after: [interval], in: record)
        try update(record)
        return (decision, garbage.compactMap(\.checkpoint))
    }

    /// Adds a founder to an open random search; the caller writes the record.
    ///
    /// - Parameter record: The experiment.
    /// - Returns: The founder, which waits; nothing for any other experiment.
    /// - Throws: What the rows throw.
    package func sampleFounder(in record: inout ExperimentRecord) throws -> Interval? {
        guard record.samplesFounders, record.experiment.population < Limits.members else { return nil }
        let founder = record.experiment.firstInterval(of: record.experiment.population, at: now)
        try add(founder, to: &record)
        return founder
    }
}
