// SPDX-License-Identifier: Apache-2.0

import PBT

/// The choice of the next job.
extension SchedyRows {
    /// Returns the next job to train, reserved for the caller.
    ///
    /// First come jobs that are queued: by clients, or after their reservation expired. Then initial jobs, up to the number
    /// in the definition. Then the successor of a finished job.
    func next(in record: inout ExperimentRecord) throws -> SchedyJob? {
        try rows.expireLeases(&record)
        // Intervals that crashed with their workers may leave checkpoints; the store has no files of them.
        try rows.markDeleted(rows.garbage(in: record), in: record)
        guard record.state == .running else { return nil }
        let scheduler = try scheduler(of: record)
        guard var interval = try found(scheduler, in: &record) else {
            try settle(&record)
            return nil
        }
        if interval.label == nil {
            interval.label = try freshID(in: record)
            // Their results tell the worker what to continue from.
            if let parent = try interval.parent.flatMap({ try rows.interval($0, in: record) }) {
                interval.results = parent.results
            }
        }
        interval.notes["version"] = version()
        interval.leaseExpires = rows.now.advanced(by: settings.reservation)
        try rows.update(interval, in: record)
        try rows.updateNotes(interval, in: record)
        return SchedyJob(interval, in: record)
    }

    private func found(_ scheduler: SchedyScheduler, in record: inout ExperimentRecord) throws -> Interval? {
        if let queued = try rows.firstQueued(in: record) { return queued }
        // Members that pbt push has added.
        if let waiting = try rows.firstWaiting(in: record) { return waiting }
        switch scheduler.kind {
        case .manual: return nil
        case .randomSearch: return try founder(in: &record)
        case .populationBasedTraining:
            if let wanted = scheduler.initialJobs, scheduler.samples, record.experiment.population < wanted {
                return try founder(in: &record)
            }
            if let (decision, garbage) = try rows.decideLate(in: &record) {
                try rows.markDeleted(garbage, in: record)
                return decision.next
            }
            return scheduler.initialJobs == nil && scheduler.samples ? try founder(in: &record) : nil
        }
    }

    private func founder(in record: inout ExperimentRecord) throws -> Interval {
        let founder = record.experiment.firstInterval(of: record.experiment.population, at: rows.now)
        try rows.add(founder, to: &record)
        try rows.update(record)
        return founder
    }
}
