// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    package func finish(_ lease: Lease, _ outcome: Outcome) throws -> Finished {
        if let number = lease.evaluation { return try finishEvaluation(lease, number, outcome) }
        if let finished = try previousResult(of: lease) { return finished }
        var (record, interval) = try validate(lease)
        switch outcome {
        case .failed(let reason):
            let (decisions, garbage) = try charge(&interval, .retried, because: reason, in: &record)
            return Finished(interval: interval, decisions: decisions, garbage: garbage, record: record)
        case .trained(let score, let metrics, let checkpoint):
            let isRanked = record.experiment.objective.isDeclared
            guard checkpoint != nil || !score.isFinite || !isRanked else {
                throw PBTError(
                    .badValue,
                    "interval \(lease.interval) has a score but no checkpoint that its successors could continue")
            }
            try check(metrics)
            let name = CheckpointName(interval.id, attempt: interval.attempts)
            // Files are looked up, given to trainers, and deleted by this name.
            if let checkpoint, CheckpointName(checkpoint) != name { throw name.refusal(of: checkpoint) }
            interval.state = score.isFinite || !isRanked ? .done : .diverged
            interval.score = score.isFinite && isRanked ? score : nil
            interval.metrics = metrics.mapValues(\.finite)
            interval.reason = interval.state == .done ? nil : "the score is \(score)"
            interval.checkpoint = checkpoint
            interval.checkpointState = checkpoint == nil ? .none : .kept
            let (decisions, garbage) = try close(&interval, from: .running, in: &record)
            return Finished(interval: interval, decisions: decisions, garbage: garbage, record: record)
        }
    }

    /// Returns the result of an attempt that this lease has already finished, for a caller that did not get the
    /// response.
    private func previousResult(of lease: Lease) throws -> Finished? {
        let record = try existing(lease.experiment)
        let interval = try existing(lease.interval, in: record)
        guard interval.state != .running, interval.attempts == lease.attempt,
            LeaseSecret.matches(lease.token, stored: interval.token)
        else { return nil }
        return Finished(
            interval: interval, decisions: [], garbage: try garbage(in: record), record: record)
    }

    /// Finishes an interval: assigns its sequence number, updates its member's standing, makes the decisions, and marks
    /// unreferenced checkpoints.
    @discardableResult
    package func close(
        _ interval: inout Interval, from state: Interval.State, in record: inout ExperimentRecord
    ) throws -> (decisions: [Decision], garbage: [String]) {
        let experiment = record.experiment
        // The only step below that can fail because of the caller; checked before anything is written.
        try strategies.check(experiment)
        if interval.state != .failed { try acquit(interval.worker, trained: interval, in: &record) }
        record.move(state, to: interval.state)
        interval.sequence = record.finishedIntervals
        interval.finished = now
        interval.leaseExpires = nil
        let member = interval.id.member
        let before = try standings(of: record).population[id: member]
        let standing = experiment.standing(of: interval, after: before)
        let certain = try report(&interval, standing, in: &record)
        if experiment.decides == .late, !experiment.ends(after: interval) {
            interval.isUndecided = true
            record.undecided += 1
        }
        try update(interval, in: record)
        try setStanding(standing, ofMember: member, in: record)
        var (finished, decisions) =
            if let certain {
                try decide(certain, with: interval, in: &record)
            } else {
                try decide(after: interval, in: standings(of: record), of: &record)
            }
        if experiment.isOpen {
            let when = Interval.Decided(
                after: record.finishedIntervals + 1, order: record.lateDecisions, members: experiment.population)
            decisions = decisions.map { $0.decided(when) }
        }
        for decision in decisions where decision.replaces || experiment.isLeftBehind(by: decision) {
            try setStanding(nil, ofMember: decision.interval.member, in: record)
        }
        try insert(decisions.compactMap(\.next), in: record)
        try count(interval, decisions, in: &record)
        // After an edit the last to finish may belong to a retired member, so that nothing is decided.
        let isComplete = (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0) == 0
        if experiment.isSynchronous, isComplete || !decisions.isEmpty { try recount(&record) }
        let ending = ending(of: record, after: interval)
        let former = certain == nil ? [] : try advance(past: interval, in: &record)
        let garbage = try markUnreferenced(after: finished, and: former, in: record)
        if let index = garbage.firstIndex(where: { $0.id == interval.id }) {
            interval.checkpointState = garbage[index].checkpointState
        }
        try log(interval, decisions, in: record)
        if let ending, !record.state.isOver { try end(&record, ending.state, because: ending.reason) }
        record.finishedIntervals += 1
        try update(record)
        return (decisions, garbage.compactMap(\.checkpoint))
    }

    /// Returns the decisions that follow a finished interval, and the intervals that they are about.
    private func decide(
        after interval: Interval, in standings: Standings, of record: inout ExperimentRecord
    ) throws -> (finished: [Interval], decisions: [Decision]) {
        let experiment = record.experiment
        if interval.isUndecided { return ([interval], []) }
        guard experiment.isSynchronous else {
            return (
                [interval],
                [
                    try experiment.decide(
                        after: interval, in: standings.population, learningFrom: history(of: record),
                        strategies: strategies, at: now, revised: record.revisionNumber > 0)
                ]
            )
        }
        // The barrier of a generation, computed from the rows of the members that still have intervals.
        guard (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0) == 0 else { return ([interval], []) }
        // After an edit, a generation may contain members of different indices.
        let generation = try newest(in: record).map { $0.id == interval.id ? interval : $0 }.filter {
            $0.id.index == record.generation || !experiment.ends(after: $0)
        }
        let history = history(of: record)
        let decisions = try generation.map {
            try experiment.decide(
                after: $0, in: standings.population, learningFrom: history, strategies: strategies, at: now,
                revised: record.revisionNumber > 0)
        }
        record.generation += 1
        record.generationBegan = now
        // The last interval of a member that ended earlier is not among them, but its parent's checkpoint may be
        // unreferenced now.
        let isAmong = generation.contains { $0.id == interval.id }
        return (isAmong ? generation : generation + [interval], decisions)
    }

    private func count(_ interval: Interval, _ decisions: [Decision], in record: inout ExperimentRecord) throws {
        let experiment = record.experiment
        try forgetWinner(of: &record)
        if try isBest(interval, in: record) {
            record.best = interval.id
            record.bestScore = interval.score
        }
        switch interval.state {
        case .failed: record.failuresInARow += 1
        default: record.failuresInARow = 0
        }
        for decision in decisions {
            if decision.next != nil {
                record.counts[.waiting, default: 0] += 1
            } else if !experiment.isRetired(decision.interval.member) {
                record.membersEnded += 1
                record.skipped += max(
                    0, experiment.stageEnd(of: decision.interval.index) - (decision.interval.index + 1))
            }
        }
    }

    /// Returns true if an interval that has just finished is better than the best so far, or as good and not less
    /// trained.
    private func isBest(_ interval: Interval, in record: ExperimentRecord) throws -> Bool {
        guard interval.state == .done, let score = interval.score else { return false }
        let objective = record.experiment.objective
        // The row of the best is read only if the scores are equal.
        guard let id = record.best, let best = record.bestScore, score == best else {
            return record.bestScore.map { objective.isBetter(score, than: $0) } ?? true
        }
        return try self.interval(id, in: record).map { objective.prefers(interval, to: $0) } ?? true
    }

    /// Returns the final state of the experiment and its reason, if it ends now.
    func ending(
        of record: ExperimentRecord, after interval: Interval?
    ) -> (state: ExperimentRecord.State, reason: String?)? {
        let experiment = record.experiment
        if let target = experiment.stop.target, let best = record.bestScore,
            !experiment.objective.isBetter(target, than: best)
        {
            return (.finished, "its target \(target.short) is reached")
        }
        let open = (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0)
        // Intervals that are still open when all members have ended belong to retired members.
        if !experiment.takesMembers, record.membersEnded >= experiment.population, open == 0 {
            return record.best == nil
                ? (.failed, "no interval was ever done; the last one: \(interval?.reason ?? "no reason known")")
                : (.finished, nil)
        }
        if record.failuresInARow >= max(3, experiment.population) {
            return (
                .failed,
                "the last \(record.failuresInARow) intervals all failed; the last one: "
                    + (interval?.reason ?? "no reason known")
            )
        }
        return nil
    }

    private func log(_ interval: Interval, _ decisions: [Decision], in record: ExperimentRecord) throws {
        var details: [String: Value] = ["attempt": .integer(interval.attempts)]
        if let score = interval.score, score.isFinite { details["score"] = .number(score) }
        if record.best == interval.id { details["best"] = true }
        details["reason"] = interval.reason.map { .string($0) }
        if let decision = decisions.first(where: { $0.interval == interval.id }), !record.experiment.isSynchronous {
            details.merge(decision.value.object ?? [:]) { $1 }
        }
        let kind: Event.Kind =
            switch interval.state {
            case _ where interval.isDeleted: .deleted
            case .diverged: .diverged
            case .failed: .failed
            default: .done
            }
        try append(kind, interval.id, details, in: record)
        // With decisions that wait for certainty, those about other members that an exploit follows from.
        let others = decisions.filter { $0.interval != interval.id || record.experiment.isSynchronous }
        func log(_ decisions: [Decision], of generation: Int) throws {
            let exploits = decisions.filter { $0.replaces || $0.donor != nil }.map { decision in
                var object = decision.value.object ?? [:]
                object["member"] = .integer(decision.interval.member)
                return Value.object(object)
            }
            guard record.experiment.isSynchronous ? !decisions.isEmpty : !exploits.isEmpty else { return }
            try append(
                .generation, nil, ["generation": .integer(generation), "exploits": .array(exploits)], in: record)
        }
        if record.experiment.isSynchronous { return try log(others, of: record.generation - 1) }
        for (index, decisions) in Dictionary(grouping: others, by: \.interval.index).sorted(by: { $0.key < $1.key }) {
            try log(decisions, of: index)
        }
    }
}
