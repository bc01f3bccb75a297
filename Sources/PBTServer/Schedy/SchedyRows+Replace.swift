// SPDX-License-Identifier: Apache-2.0

import PBT

/// What becomes of an experiment's jobs when its definition is replaced.
extension SchedyRows {
    /// Replaces the definition, and keeps the jobs.
    ///
    /// A population that is judged by the same result as before goes on with its members. Otherwise the experiment is
    /// begun anew, and its jobs are entered into it as if they had been added by hand.
    func replace(_ old: ExperimentRecord, by scheduler: SchedyScheduler) throws -> ExperimentRecord {
        let before = try self.scheduler(of: old)
        guard before.value != scheduler.value else { return old }
        let isSameSearch =
            before.kind == scheduler.kind
            && (scheduler.kind == .manual
                || scheduler.kind == .populationBasedTraining && before.objective == scheduler.objective)
        return isSameSearch ? try adapt(old, to: scheduler) : try rebuild(old, as: scheduler)
    }

    private func adapt(_ old: ExperimentRecord, to scheduler: SchedyScheduler) throws -> ExperimentRecord {
        var record = old
        var experiment = scheduler.experiment(named: old.experiment.name, seed: old.experiment.seed)
        experiment.population = old.experiment.population
        experiment.objective = old.experiment.objective
        record.experiment = experiment
        record.notes[Self.key] = ["scheduler": scheduler.value]
        try rows.updateDefinition(record)
        try rows.updateNotes(record)
        try recount(&record)
        try rows.update(record)
        try rows.append(.edited, nil, [:], in: record)
        return record
    }

    /// Finds out anew which members have ended, now that they may have more jobs, or fewer.
    private func recount(_ record: inout ExperimentRecord) throws {
        let experiment = record.experiment
        guard experiment.decides == .late else { return }
        record.membersEnded = 0
        record.undecided = 0
        record.skipped = 0
        let all = try rows.intervals(in: record, index: nil)
        for (place, interval) in all.enumerated() {
            let isLast = place + 1 == all.count || all[place + 1].id.member != interval.id.member
            guard isLast, interval.state.isFinished else { continue }
            var interval = interval
            interval.isUndecided = !experiment.ends(after: interval)
            if interval.isUndecided {
                record.undecided += 1
            } else {
                record.membersEnded += 1
                record.skipped += max(0, experiment.intervals - (interval.id.index + 1))
            }
            try rows.update(interval, in: record)
        }
    }

    private func rebuild(_ old: ExperimentRecord, as scheduler: SchedyScheduler) throws -> ExperimentRecord {
        let jobs = try rows.intervals(in: old, index: nil).filter { $0.label != nil }
            .sorted { ($0.sequence ?? .max, $0.id) < ($1.sequence ?? .max, $1.id) }
        try rows.delete(old)
        var record = try create(scheduler, named: old.experiment.name, seed: old.experiment.seed)
        for job in jobs {
            guard let label = job.label else { continue }
            let new = try add(label, job.hyperparameters.values, to: &record)
            var content = SchedyJobContent(status: job.jobStatus)
            content.results = job.metrics
            _ = try become(content, new, in: &record)
        }
        if old.state.isOver, !record.state.isOver { try end(&record, because: old.reason) }
        return record
    }
}
