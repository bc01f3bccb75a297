// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Validates a lease and returns the experiment and the interval that it is for.
    func validate(_ lease: Lease) throws -> (ExperimentRecord, Interval) {
        if lease.evaluation != nil { throw PBTError(.badValue, "the lease is on an evaluation, not on an interval") }
        let record = try existing(lease.experiment)
        let interval = try existing(lease.interval, in: record)
        guard interval.state == .running, LeaseSecret.matches(lease.token, stored: interval.token) else {
            let now = record.state.isOver ? "the experiment has ended" : "it is \(interval.state.rawValue) now"
            throw PBTError(
                .leaseLost,
                "worker \(lease.worker) no longer has interval \(lease.interval) of \"\(lease.experiment)\": \(now)")
        }
        return (record, interval)
    }

    /// Expires what is due: leases, the deadline of a generation, and the experiment's time limit.
    package func expireLeases(_ record: inout ExperimentRecord) throws {
        guard record.state == .running || record.state == .paused else { return }
        if record.isTimeOver(at: now) {
            try end(&record, .finished, because: "its time limit is reached (stop: after)")
            try update(record)
            return
        }
        if !isGrace { try reclaimOverdueLeases(&record) }
        if let deadline = record.experiment.deadline, record.state == .running,
            now >= record.generationBegan.advanced(by: deadline)
        {
            let late = try lateMembers(in: record)
            for var interval in late where !record.state.isOver {
                let state = interval.state
                interval.state = .failed
                interval.token = nil
                interval.reason = "the generation's deadline passed"
                try close(&interval, from: state, in: &record)
            }
        }
    }

    /// Returns the open intervals that a generation waits for.
    private func lateMembers(in record: ExperimentRecord) throws -> [Interval] {
        let open = try newest(in: record).filter { !$0.state.isFinished }
        guard record.experiment.waitsForCertainty else { return open }
        let generations = try generations(of: record)
        return open.filter { generations.contains($0.id) && $0.id.index == generations.first }
    }

    /// Reclaims intervals whose lease was not renewed in time.
    ///
    /// A worker whose process is alive on this machine but does not renew is suspended, or the machine is overloaded.
    /// It gets 10 more minutes, and losing its lease then does not count as a failure.
    private func reclaimOverdueLeases(_ record: inout ExperimentRecord) throws {
        for var interval in try running(in: record, expiredBy: now, worker: nil) where !record.state.isOver {
            let worker = interval.worker ?? "?"
            guard isAlive(worker) else {
                try recordLostAttempt(interval, because: "the lease of worker \(worker) expired", in: &record)
                continue
            }
            guard interval.leaseExpires.map({ now.since($0) > .seconds(600) }) ?? true else { continue }
            try release(
                &interval, because: "worker \(worker) has been suspended for more than 10 minutes", in: &record)
        }
    }

    /// Records that an attempt was lost with its worker.
    private func recordLostAttempt(
        _ interval: Interval, because reason: String, in record: inout ExperimentRecord
    ) throws {
        var interval = interval
        interval.token = nil
        _ = try charge(&interval, .lost, because: reason, in: &record)
    }

    /// Extends leases so that none expires earlier than a given time from now.
    ///
    /// For a server that has just started: nobody could renew while it was down.
    package func extendLeases(for time: Duration) throws {
        let end = now.advanced(by: time)
        for record in try records() {
            try extendEvaluations(until: end, in: record)
            guard !record.state.isOver else { continue }
            for var interval in try running(in: record, expiredBy: nil, worker: nil)
            where interval.leaseExpires.map({ $0 < end }) ?? true {
                interval.leaseExpires = end
                try update(interval, in: record)
            }
        }
    }

    package func renew(_ lease: Lease, for term: Duration) throws -> Lease {
        if let number = lease.evaluation { return try renewEvaluation(lease, number, for: term) }
        let (record, validated) = try validate(lease)
        var interval = validated
        var renewed = lease
        renewed.expires = now.advanced(by: term)
        interval.leaseExpires = renewed.expires
        try update(interval, in: record)
        return renewed
    }

    package func report(_ lease: Lease, _ metrics: [String: Value]) throws {
        try check(metrics)
        let (record, validated) = try validate(lease)
        var interval = validated
        interval.metrics = metrics.mapValues(\.finite)
        try update(interval, in: record)
    }

    func check(_ metrics: [String: Value]) throws {
        if let complaint = Limits.complaint(about: metrics, "metrics") { throw PBTError(.badValue, complaint) }
    }

    package func release(_ lease: Lease, because reason: String) throws {
        if let number = lease.evaluation { return try releaseEvaluation(lease, number, because: reason) }
        var (record, interval) = try validate(lease)
        try release(&interval, because: reason, in: &record)
    }

    /// Ends the lease of a running interval without counting a failure.
    package func release(
        _ interval: inout Interval, because reason: String, in record: inout ExperimentRecord
    ) throws {
        interval.state = .waiting
        interval.token = nil
        interval.leaseExpires = nil
        record.move(.running, to: .waiting)
        try update(interval, in: record)
        try update(record)
        try append(.released, interval.id, ["reason": .string(reason)], in: record)
    }

    package func abandon(worker: String, of name: String, because reason: String) throws -> [IntervalID] {
        var record = try existing(name)
        var lost: [IntervalID] = []
        for interval in try running(in: record, expiredBy: nil, worker: worker) where !record.state.isOver {
            try recordLostAttempt(interval, because: reason, in: &record)
            lost.append(interval.id)
        }
        return lost + (try abandonEvaluations(by: worker, because: reason, in: &record))
    }
}
