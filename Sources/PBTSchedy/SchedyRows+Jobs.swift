// SPDX-License-Identifier: Apache-2.0

import PBT

/// What becomes of a job when its client says so.
extension SchedyRows {
    /// The name under which leases are taken: the protocol does not say who its workers are.
    private static var worker: String { "schedy" }
    /// The time that never comes.
    private static var never: Timestamp { Timestamp(milliseconds: 253_402_300_799_000) }

    private var leaseEnd: Timestamp {
        settings.timeout.map { rows.now.advanced(by: $0) } ?? Self.never
    }

    /// Changes a job: everything that a client may write, in whatever order it comes.
    func change(
        _ interval: Interval, to content: SchedyJobContent, in record: inout ExperimentRecord
    ) throws -> SchedyJob {
        var interval = interval
        let isChanged = content.hyperparameters.map { $0 != interval.hyperparameters.values } ?? false
        if isChanged { try scheduler(of: record).check(content.hyperparameters ?? [:]) }
        if interval.state.isFinished {
            let objective = record.experiment.objective
            let score = Self.score(content, objective)
            let isSame =
                content.status == interval.jobStatus
                || content.status.isOver && content.status != .done && interval.state == .failed
            if isSame, !isChanged, interval.state == .failed || score == interval.score {
                return try annotate(&interval, with: content, in: &record)
            }
            if try isBuiltOn(interval, in: record) {
                guard content.status.isOver else { return try queueAgain(interval, as: content, in: &record) }
                guard !isChanged else {
                    throw SchedyFailure(
                        409, "the job is over and others were made from it; its hyperparameters cannot change any more")
                }
                return try annotate(&interval, with: content, in: &record)
            }
            try begin(again: &interval, in: &record)
        }
        if isChanged, let hyperparameters = content.hyperparameters {
            interval.replace(by: hyperparameters, recording: record.experiment.kind != .manual || interval.id.index > 0)
            try rows.updateHyperparameters(interval, in: record)
        }
        return try become(content, interval, in: &record)
    }

    /// Brings an interval that waits or runs into a status, with these results.
    func become(
        _ content: SchedyJobContent, _ given: Interval, in record: inout ExperimentRecord
    ) throws -> SchedyJob {
        var interval = given
        interval.notes["status"] = nil
        interval.notes["version"] = version()
        if !content.status.isOver, record.state.isOver, record.reason != Self.saidDone { try reopen(&record) }
        if content.status != .queued, interval.state == .waiting {
            try rows.lease(&interval, to: Self.worker, token: rows.freshToken(), until: leaseEnd, in: &record)
        } else if content.status == .queued, interval.state == .running {
            try rows.release(&interval, because: "its client queued it again", in: &record)
        }
        interval.metrics = content.results
        switch content.status {
        case .queued: interval.leaseExpires = nil
        case .running: interval.leaseExpires = leaseEnd
        case .done, .crashed, .pruned:
            try finish(&interval, content, in: &record)
            return try answer(interval, in: record)
        }
        try rows.update(interval, in: record)
        try rows.updateNotes(interval, in: record)
        return try answer(interval, in: record)
    }

    private func answer(_ interval: Interval, in record: ExperimentRecord) throws -> SchedyJob {
        guard let job = SchedyJob(interval, in: record) else {
            throw PBTError(.inconsistent, "interval \(interval.id) of \"\(record.experiment.name)\" has lost its label")
        }
        return job
    }

    /// The score of a job; none when it counts as the worst.
    private static func score(_ content: SchedyJobContent, _ objective: Objective) -> Double? {
        guard content.status == .done, let score = content.results[objective.metric]?.double, score.isFinite else {
            return nil
        }
        return score
    }

    private func finish(
        _ interval: inout Interval, _ content: SchedyJobContent, in record: inout ExperimentRecord
    ) throws {
        if content.status == .done { try chooseObjective(from: content.results, in: &record) }
        let score = Self.score(content, record.experiment.objective)
        interval.score = score
        interval.reason = nil
        if let score {
            interval.state = .done
            interval.score = score
            // Stands for what the results say of it. There are no files of ours.
            interval.checkpoint = CheckpointName(interval.id, attempt: interval.attempts).description
            interval.checkpointState = .kept
        } else if content.status == .done {
            interval.state = .diverged
            interval.reason = "no finite number is called \(record.experiment.objective.metric) among its results"
        } else {
            interval.state = .failed
            interval.failures += 1
            interval.reason = content.status == .pruned ? "its client pruned it" : "its client said that it crashed"
            if content.status == .pruned { interval.notes["status"] = .string(content.status.rawValue) }
        }
        try close(&interval, from: .running, in: &record)
        try rows.updateNotes(interval, in: record)
    }

    private func close(
        _ interval: inout Interval, from state: Interval.State, in record: inout ExperimentRecord
    ) throws {
        // Jobs that crash do not end an experiment here, however many.
        record.failuresInARow = 0
        let (_, garbage) = try rows.close(&interval, from: state, in: &record)
        // There are no files of ours.
        try rows.markDeleted(garbage, in: record)
        try settle(&record)
    }

    /// Where the client does not say what jobs are judged by, the first one with a number among its results does.
    private func chooseObjective(from results: [String: Value], in record: inout ExperimentRecord) throws {
        guard record.best == nil, (record.counts[.done] ?? 0) == 0, try scheduler(of: record).objective == nil,
            let objective = SchedyScheduler.objective(from: results), objective != record.experiment.objective
        else { return }
        record.experiment.objective = objective
        try rows.updateDefinition(record)
    }

    // MARK: Jobs that are over

    /// Whether decisions were made that looked at a finished interval.
    private func isBuiltOn(_ interval: Interval, in record: ExperimentRecord) throws -> Bool {
        guard record.experiment.kind == .populationBasedTraining, let sequence = interval.sequence else { return false }
        let successor = IntervalID(member: interval.id.member, index: interval.id.index + 1)
        if try rows.interval(successor, in: record) != nil { return true }
        // Nobody looks at what has no score.
        guard interval.state == .done else { return false }
        return try rows.intervals(in: record, index: nil).contains { $0.decided.map { $0.after > sequence } ?? false }
    }

    /// Writes results beside what was decided on, which stays.
    private func annotate(
        _ interval: inout Interval, with content: SchedyJobContent, in record: inout ExperimentRecord
    ) throws -> SchedyJob {
        interval.metrics = content.results
        let own: SchedyJob.Status = interval.state == .failed ? .crashed : .done
        interval.notes["status"] = nil
        if content.status != own { interval.notes["status"] = .string(content.status.rawValue) }
        interval.notes["version"] = version()
        try rows.update(interval, in: record)
        try rows.updateNotes(interval, in: record)
        return try answer(interval, in: record)
    }

    /// Queues a job again that others were made from: its name goes to a new founder, what was trained stays.
    private func queueAgain(
        _ interval: Interval, as content: SchedyJobContent, in record: inout ExperimentRecord
    ) throws -> SchedyJob {
        var old = interval
        guard let label = old.label else { return try answer(old, in: record) }
        old.label = nil
        try rows.updateNotes(old, in: record)
        let new = try add(label, content.hyperparameters ?? old.hyperparameters.values, to: &record)
        return try become(content, new, in: &record)
    }

    /// Lets a finished interval wait again, as if it had never finished, but for its places in the order.
    private func begin(again interval: inout Interval, in record: inout ExperimentRecord) throws {
        let experiment = record.experiment
        record.move(interval.state, to: .waiting)
        if interval.isUndecided {
            record.undecided -= 1
        } else {
            record.membersEnded -= 1
            record.skipped -= experiment.intervals - (interval.id.index + 1)
        }
        // Its end, and now its beginning again: from there on its member has no score.
        interval.earlierPlaces += [interval.sequence, record.finishedIntervals].compactMap(\.self)
        try rows.setStanding(nil, ofMember: interval.id.member, in: record)
        record.finishedIntervals += 1
        interval.state = .waiting
        interval.isUndecided = false
        interval.sequence = nil
        interval.score = nil
        interval.finished = nil
        interval.reason = nil
        interval.token = nil
        interval.checkpoint = nil
        interval.checkpointState = .none
        interval.isPinned = false
        try rows.update(interval, in: record)
        try rows.updateNotes(interval, in: record)
        // What it continues is needed again.
        if var parent = try interval.parent.flatMap({ try rows.interval($0, in: record) }), parent.checkpoint != nil {
            parent.checkpointState = .kept
            try rows.update(parent, in: record)
        }
        if record.best == interval.id {
            record.best = try rows.best(1, in: record).first
            record.bestScore = try record.best.flatMap { try rows.interval($0, in: record)?.score }
        }
        try rows.update(record)
    }

    // MARK: Deletion

    /// Takes a job away.
    ///
    /// What was trained stays in the experiment's history; what was not counts as failed.
    func delete(_ id: String, if condition: SchedyCondition, in record: inout ExperimentRecord) throws {
        guard var interval = try rows.interval(labeled: id, in: record) else {
            try condition.check(nil, id)
            return
        }
        try condition.check(SchedyJob(interval, in: record), id)
        if !interval.state.isFinished {
            let state = interval.state
            interval.state = .failed
            interval.reason = "its client deleted it"
            try close(&interval, from: state, in: &record)
        }
        interval.label = nil
        try rows.updateNotes(interval, in: record)
    }
}
