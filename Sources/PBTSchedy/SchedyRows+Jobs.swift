// SPDX-License-Identifier: Apache-2.0

import PBT

/// Changes of jobs by their clients.
extension SchedyRows {
    /// The worker of all leases: the protocol has no names of workers.
    private static var worker: String { "schedy" }
    /// The expiry of leases that never expire.
    private static var never: Timestamp { Timestamp(milliseconds: 253_402_300_799_000) }

    private var leaseEnd: Timestamp {
        settings.timeout.map { rows.now.advanced(by: $0) } ?? Self.never
    }

    /// Changes a job; any status may follow any other.
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
            if try hasDependents(interval, in: record) {
                guard content.status.isOver else { return try queueAgain(interval, as: content, in: &record) }
                guard !isChanged else {
                    throw SchedyFailure(
                        409, "the job has finished and has successors; its hyperparameters can no longer be changed")
                }
                return try annotate(&interval, with: content, in: &record)
            }
            try reset(&interval, in: &record)
        }
        if isChanged, let hyperparameters = content.hyperparameters {
            interval.replace(by: hyperparameters, recording: record.experiment.kind != .manual || interval.id.index > 0)
            try rows.updateHyperparameters(interval, in: record)
        }
        return try apply(content, interval, in: &record)
    }

    /// Sets the status and the results of a waiting or running interval.
    func apply(
        _ content: SchedyJobContent, _ current: Interval, in record: inout ExperimentRecord
    ) throws -> SchedyJob {
        var interval = current
        interval.notes["status"] = nil
        interval.notes["version"] = version()
        if !content.status.isOver, record.state.isOver, record.reason != Self.setToDone { try reopen(&record) }
        if content.status != .queued, interval.state == .waiting {
            try rows.lease(&interval, to: Self.worker, token: rows.freshToken(), until: leaseEnd, in: &record)
        } else if content.status == .queued, interval.state == .running {
            try rows.release(&interval, because: "its client queued it again", in: &record)
        }
        interval.results = content.results
        switch content.status {
        case .queued: interval.leaseExpires = nil
        case .running: interval.leaseExpires = leaseEnd
        case .done, .crashed, .pruned:
            try finish(&interval, content, in: &record)
            return try job(of: interval, in: record)
        }
        try rows.update(interval, in: record)
        try rows.updateNotes(interval, in: record)
        return try job(of: interval, in: record)
    }

    private func job(of interval: Interval, in record: ExperimentRecord) throws -> SchedyJob {
        guard let job = SchedyJob(interval, in: record) else {
            throw PBTError(.inconsistent, "interval \(interval.id) of \"\(record.experiment.name)\" has lost its label")
        }
        return job
    }

    /// Returns the score of a job; nil for one that counts as the worst, and without an objective.
    private static func score(_ content: SchedyJobContent, _ objective: Objective) -> Double? {
        content.status == .done ? objective.score(in: content.results) : nil
    }

    private func finish(
        _ interval: inout Interval, _ content: SchedyJobContent, in record: inout ExperimentRecord
    ) throws {
        let objective = record.experiment.objective
        interval.score = Self.score(content, objective)
        interval.reason = nil
        if content.status == .done, interval.score != nil || !objective.isDeclared {
            interval.state = .done
            // Refers to the checkpoint that the results describe; this store has no files of it.
            interval.checkpoint = CheckpointName(interval.id, attempt: interval.attempts).description
            interval.checkpointState = .kept
        } else if content.status == .done {
            interval.state = .diverged
            interval.reason = objective.missing
        } else {
            interval.state = .failed
            interval.failures += 1
            interval.reason = content.status == .pruned ? "its client pruned it" : "its client reported a crash"
            if content.status == .pruned { interval.notes["status"] = .string(content.status.rawValue) }
        }
        try close(&interval, from: .running, in: &record)
        try rows.updateNotes(interval, in: record)
    }

    private func close(
        _ interval: inout Interval, from state: Interval.State, in record: inout ExperimentRecord
    ) throws {
        // No number of crashed jobs ends an experiment.
        record.failuresInARow = 0
        let (_, garbage) = try rows.close(&interval, from: state, in: &record)
        // The store has no files of it.
        try rows.markDeleted(garbage, in: record)
        try settle(&record)
    }

    // MARK: Finished jobs

    /// Returns whether a decision has used a finished interval.
    private func hasDependents(_ interval: Interval, in record: ExperimentRecord) throws -> Bool {
        guard record.experiment.kind == .populationBasedTraining, let sequence = interval.sequence else { return false }
        let successor = IntervalID(member: interval.id.member, index: interval.id.index + 1)
        if try rows.interval(successor, in: record) != nil { return true }
        // Decisions use only intervals with a score.
        guard interval.state == .done else { return false }
        return try rows.intervals(in: record, index: nil).contains { $0.decided.map { $0.after > sequence } ?? false }
    }

    /// Records results and keeps the score that decisions have used.
    private func annotate(
        _ interval: inout Interval, with content: SchedyJobContent, in record: inout ExperimentRecord
    ) throws -> SchedyJob {
        interval.results = content.results
        let own: SchedyJob.Status = interval.state == .failed ? .crashed : .done
        interval.notes["status"] = nil
        if content.status != own { interval.notes["status"] = .string(content.status.rawValue) }
        interval.notes["version"] = version()
        try rows.update(interval, in: record)
        try rows.updateNotes(interval, in: record)
        return try job(of: interval, in: record)
    }

    /// Queues a job with successors again: its name moves to a new founder, and the finished interval stays.
    private func queueAgain(
        _ interval: Interval, as content: SchedyJobContent, in record: inout ExperimentRecord
    ) throws -> SchedyJob {
        var old = interval
        guard let label = old.label else { return try job(of: old, in: record) }
        old.label = nil
        try rows.updateNotes(old, in: record)
        let new = try add(label, content.hyperparameters ?? old.hyperparameters.values, to: &record)
        return try apply(content, new, in: &record)
    }

    /// Resets a finished interval to waiting, as if it had never finished, except for its sequence numbers.
    private func reset(_ interval: inout Interval, in record: inout ExperimentRecord) throws {
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
        // Its parent's checkpoint is needed again.
        if var parent = try interval.parent.flatMap({ try rows.interval($0, in: record) }), parent.checkpoint != nil {
            parent.checkpointState = .kept
            try rows.update(parent, in: record)
        }
        if record.best == interval.id {
            try rows.findBest(in: &record)
        }
        try rows.update(record)
    }

    // MARK: Deletion

    /// Deletes a job.
    ///
    /// A population keeps a finished interval in its history, since others may descend from it. Otherwise the row stays
    /// as a mark that is not counted and not shown.
    func delete(_ id: String, if condition: SchedyCondition, in record: inout ExperimentRecord) throws {
        guard var interval = try rows.interval(labeled: id, in: record) else {
            try condition.check(nil, id)
            return
        }
        try condition.check(SchedyJob(interval, in: record), id)
        let isPopulation = record.experiment.kind == .populationBasedTraining
        if !interval.state.isFinished {
            let state = interval.state
            interval.state = .failed
            interval.isDeleted = true
            interval.reason = "its client deleted it"
            try close(&interval, from: state, in: &record)
            uncount(.failed, in: &record)
            try rows.update(record)
        } else if !isPopulation {
            interval.isDeleted = true
            interval.score = nil
            interval.reason = "its client deleted it"
            uncount(interval.state, in: &record)
            try rows.update(interval, in: record)
            try rows.setStanding(nil, ofMember: interval.id.member, in: record)
            if record.best == interval.id { try rows.findBest(in: &record) }
            try rows.update(record)
            try rows.append(.deleted, interval.id, [:], in: record)
        }
        interval.label = nil
        try rows.updateNotes(interval, in: record)
    }

    /// Removes a job from the counts of its experiment.
    private func uncount(_ state: Interval.State, in record: inout ExperimentRecord) {
        record.counts[state, default: 0] -= 1
        record.skipped += 1
    }
}
