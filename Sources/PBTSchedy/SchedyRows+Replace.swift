// SPDX-License-Identifier: Apache-2.0

import PBT

/// Replacing the definition of an experiment with jobs.
extension SchedyRows {
    /// Replaces the definition, and keeps the jobs.
    ///
    /// A population with the same objective as before continues with its members. Otherwise the experiment is created
    /// again, and its jobs are added to it as if clients had added them.
    func replace(_ old: ExperimentRecord, by scheduler: SchedyScheduler) throws -> ExperimentRecord {
        let before = try self.scheduler(of: old)
        guard before.value != scheduler.value else { return old }
        let isSameSearch =
            before.kind == scheduler.kind
            && (scheduler.kind == .manual
                || scheduler.kind == .populationBasedTraining && before.objective == scheduler.objective)
        return isSameSearch ? try adapt(old, to: scheduler) : try rebuild(old, as: scheduler)
    }

    /// Records the definition as the next revision, which applies to later decisions.
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
        // One that was declared here, for a search whose client has none.
        let own = try self.scheduler(of: old).objective == nil ? old.experiment.objective : .undeclared
        var record = try create(
            scheduler, named: old.experiment.name, seed: old.experiment.seed, objective: own)
        for job in jobs {
            guard let label = job.label else { continue }
            let new = try add(label, job.hyperparameters.values, to: &record)
            var content = SchedyJobContent(status: job.jobStatus)
            content.results = job.results
            _ = try apply(content, new, in: &record)
        }
        if old.state.isOver, !record.state.isOver { try end(&record, because: old.reason) }
        return record
    }
}
