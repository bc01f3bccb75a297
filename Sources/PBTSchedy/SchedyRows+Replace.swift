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

    /// Records the definition as the next revision, by which what follows is decided.
    private func adapt(_ old: ExperimentRecord, to scheduler: SchedyScheduler) throws -> ExperimentRecord {
        var experiment = scheduler.experiment(named: old.experiment.name, seed: old.experiment.seed)
        experiment.objective = old.experiment.objective
        _ = try rows.revise(experiment)
        var record = try existing(old.experiment.name)
        record.notes[Self.key] = ["scheduler": scheduler.value]
        try rows.updateNotes(record)
        return record
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
