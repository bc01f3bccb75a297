// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    package func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String? = nil
    ) throws -> Claims {
        var record = try existing(name)
        return try claim(count, from: &record, by: worker, for: term, key: key, deciding: true)
            ?? Claims(assignments: [], record: record)
    }

    /// Claims like ``claim(_:from:by:for:key:)``, but returns nil if that requires a late decision.
    ///
    /// A claim alone need not be durable, but a decision must be, since checkpoints are deleted because of it.
    package func claimWithoutDeciding(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String? = nil
    ) throws -> Claims? {
        var record = try existing(name)
        return try claim(count, from: &record, by: worker, for: term, key: key, deciding: false)
    }

    private func claim(
        _ count: Int, from record: inout ExperimentRecord, by worker: String, for term: Duration, key: String?,
        deciding mayDecide: Bool
    ) throws -> Claims? {
        guard term > .zero else { throw PBTError(.badValue, "the term of a lease must be positive, not \(term)") }
        guard count > 0 else { throw PBTError(.badValue, "a claim must be for at least one interval, not \(count)") }
        let count = min(count, Limits.claimed)
        try checkStanding(of: worker, in: record)
        try expireLeases(&record)
        let claimKey = key.map { LeaseSecret.ClaimKey($0) }
        if let claimKey {
            let earlier = try previousAssignments(of: claimKey, by: worker, for: term, in: record)
            if !earlier.isEmpty { return Claims(assignments: earlier, record: record) }
        }
        var assignments: [Assignment] = []
        let excluded = try heldBack(from: worker, in: record)
        while record.state == .running, assignments.count < count {
            var found = try firstWaiting(in: record, but: excluded)
            var late: (decision: Decision, garbage: [String])?
            if found == nil, try hasDueDecision(record) {
                guard mayDecide else {
                    if assignments.isEmpty { return nil }
                    break
                }
                late = try decideLate(in: &record)
                found = late?.decision.next
            }
            if found == nil { found = try sampleFounder(in: &record) }
            guard var interval = found else { break }
            if let reason = try unusableParent(of: interval, in: record) {
                // Closing it decides about a member, like a late decision.
                guard mayDecide else {
                    if assignments.isEmpty { return nil }
                    break
                }
                interval.state = .failed
                interval.reason = reason
                try close(&interval, from: .waiting, in: &record)
                continue
            }
            let token = claimKey?.token(at: assignments.count) ?? freshToken()
            var assignment = try lease(
                &interval, to: worker, token: token, until: now.advanced(by: term),
                late?.decision.value.object ?? [:], in: &record)
            assignment.garbage = late?.garbage ?? []
            assignments.append(assignment)
        }
        return Claims(assignments: assignments, record: record)
    }

    /// Renews the leases of an earlier claim with the same key and returns their assignments.
    private func previousAssignments(
        of key: LeaseSecret.ClaimKey, by worker: String, for term: Duration, in record: ExperimentRecord
    ) throws -> [Assignment] {
        try running(in: record, expiredBy: nil, worker: worker).compactMap { held in
            guard let token = key.token(of: held), try unusableParent(of: held, in: record) == nil else {
                return nil
            }
            var interval = held
            interval.leaseExpires = now.advanced(by: term)
            try update(interval, in: record)
            return try assignment(interval, token: token, in: record)
        }
    }

    /// Leases a waiting interval to a worker.
    ///
    /// - Parameters:
    ///   - interval: The interval; running afterwards.
    ///   - worker: The worker.
    ///   - token: The secret of the lease; only a hash of it is stored.
    ///   - expires: The time at which the lease expires unless it is renewed.
    ///   - details: Further details of the event, next to worker and attempt.
    ///   - record: The experiment; written.
    /// - Returns: The assignment.
    /// - Throws: The errors of the database.
    @discardableResult
    package func lease(
        _ interval: inout Interval, to worker: String, token: String, until expires: Timestamp,
        _ details: [String: Value] = [:], in record: inout ExperimentRecord
    ) throws -> Assignment {
        // The metrics that an earlier attempt reported.
        if interval.attempts > 0 { interval.metrics = [:] }
        interval.state = .running
        interval.attempts += 1
        interval.worker = worker
        interval.token = LeaseSecret.stored(token)
        interval.leaseExpires = expires
        interval.started = now
        // Before the first write, since it may throw.
        let assignment = try assignment(interval, token: token, in: record)
        try update(interval, in: record)
        record.move(.waiting, to: .running)
        try update(record)
        try append(
            .started, interval.id,
            details.merging(["worker": .string(worker), "attempt": .integer(interval.attempts)]) { $1 }, in: record)
        return assignment
    }

    /// Returns the reason why a trainer must not be given the checkpoint that an interval continues, if there is one:
    /// its name is not one that an attempt publishes, so it was not written by a worker of ours.
    private func unusableParent(of interval: Interval, in record: ExperimentRecord) throws -> String? {
        guard let parent = interval.parent, let donor = try self.interval(parent, in: record),
            let name = donor.checkpoint, donor.checkpointState == .kept, donor.checkpointName == nil
        else { return nil }
        return "it continues \(parent), whose checkpoint has the invalid name "
            + "\(Value.string(String(name.prefix(100))).json): no attempt publishes such a name, so "
            + "nothing was read from it"
    }

    /// Returns the assignment of a leased interval.
    private func assignment(_ interval: Interval, token: String, in record: ExperimentRecord) throws -> Assignment {
        let name = record.experiment.name
        var parentCheckpoint: String?
        if let parent = interval.parent {
            let donor = try existing(parent, in: record)
            guard donor.checkpointState == .kept, let checkpoint = donor.checkpoint else {
                throw PBTError(
                    .inconsistent,
                    "interval \(interval.id) of \"\(name)\" continues \(parent), whose checkpoint was deleted")
            }
            parentCheckpoint = checkpoint
        } else {
            parentCheckpoint = record.experiment.founderCheckpoints[interval.id.member]?.copy.map { "\($0)" }
        }
        let lease = Lease(
            experiment: name, interval: interval.id, attempt: interval.attempts, token: token,
            worker: interval.worker ?? "", expires: interval.leaseExpires ?? now)
        return Assignment(
            lease: lease, interval: interval, parentCheckpoint: parentCheckpoint, experiment: record.experiment)
    }
}
