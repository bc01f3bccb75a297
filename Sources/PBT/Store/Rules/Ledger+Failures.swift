// SPDX-License-Identifier: Apache-2.0

/// Attribution of failed attempts to the interval, the worker, or the experiment.
///
/// - A worker whose attempts fail one after another, at intervals that others then train, is set aside: it gets no more
///   intervals, and its failures are not charged to the intervals.
/// - An interval whose retries were spent by one worker alone is reserved for another one, as long as others are
///   active.
/// - Until an interval of the experiment was trained, none is lost: the experiment fails first, and a later resume
///   finds every founder unchanged.
extension Ledger {
    /// The failed attempts in a row after which a worker may be set aside; more for one that has trained an interval.
    private static var suspicion: (new: Int, proven: Int) { (3, 8) }
    /// The number of its intervals that others must have trained.
    private static var disproofs: Int { 2 }
    /// The number of intervals whose first attempts must fail in the same way to end the experiment.
    private static var sameAtTheStart: Int { 3 }

    /// Charges a failed attempt.
    ///
    /// - Parameters:
    ///   - interval: The interval; running.
    ///   - kind: `retried` if the attempt failed, `lost` if it was lost with its worker.
    ///   - reason: The reason, for a person.
    ///   - record: The experiment; written.
    /// - Returns: The decisions and unreferenced checkpoints if the interval has failed permanently.
    /// - Throws: The errors of the database.
    func charge(
        _ interval: inout Interval, _ kind: Event.Kind, because reason: String, in record: inout ExperimentRecord
    ) throws -> (decisions: [Decision], garbage: [String]) {
        let worker = interval.worker ?? ""
        let similar = failureKind(of: reason)
        interval.failures += 1
        interval.failedBy[worker, default: 0] += 1
        interval.reason = reason
        if kind == .retried {
            record.suspects[worker, default: Suspect()].add(
                Suspect.Failure(interval: interval.id, kind: similar), because: reason)
            record.limitSuspects(keeping: worker)
            if try setAside(worker, whereProven: &record, besides: interval.id) {
                interval.forgive(worker)
                try requeue(&interval, kind, because: reason, in: &record)
                return ([], [])
            }
        }
        if record.hasTrainedNothing {
            try requeue(&interval, kind, because: reason, in: &record)
            if let why = try hopelessness(of: record, after: interval, similar) {
                try forgiveAll(in: &record)
                try end(&record, .failed, because: "\(why): \(reason)")
                try update(record)
            }
            return ([], [])
        }
        guard interval.failures > record.experiment.retries else {
            try requeue(&interval, kind, because: reason, in: &record)
            return ([], [])
        }
        if interval.failedBy.count == 1, try others(than: worker, in: record) {
            if record.suspects[worker]?.heldBack.contains(interval.id) == false {
                let held = record.suspects[worker]?.heldBack ?? []
                record.suspects[worker]?.heldBack = (held + [interval.id]).suffix(Suspect.most)
            }
            try requeue(&interval, kind, because: reason, in: &record)
            return ([], [])
        }
        interval.state = .failed
        return try close(&interval, from: .running, in: &record)
    }

    /// Requeues an interval after a failed attempt.
    private func requeue(
        _ interval: inout Interval, _ kind: Event.Kind, because reason: String, in record: inout ExperimentRecord
    ) throws {
        interval.state = .waiting
        interval.leaseExpires = nil
        record.move(.running, to: .waiting)
        try update(interval, in: record)
        try update(record)
        try append(
            kind, interval.id,
            [
                "reason": .string(reason), "attempt": .integer(interval.attempts),
                "worker": .string(interval.worker ?? ""),
                // The next attempt is one of them.
                "retries_left": .integer(max(0, record.experiment.retries + 1 - interval.failures)),
            ], in: record)
    }

    /// Clears a worker that trained an interval, and records it against the workers that failed at that interval.
    func acquit(_ worker: String?, trained interval: Interval, in record: inout ExperimentRecord) throws {
        guard !record.suspects.isEmpty else { return }
        if let worker { record.suspects[worker] = nil }
        for other in interval.failedBy.keys.sorted() where other != worker {
            guard let suspect = record.suspects[other], suspect.setAside == nil,
                suspect.intervals.contains(interval.id), !suspect.disproved.contains(interval.id)
            else { continue }
            record.suspects[other]?.disproved.append(interval.id)
            _ = try setAside(other, whereProven: &record, besides: interval.id)
        }
    }

    /// Sets a worker aside if enough of the intervals that it failed were trained by others.
    ///
    /// - Parameters:
    ///   - worker: The worker.
    ///   - record: The experiment; not written.
    ///   - interval: The current interval, whose row the caller writes.
    /// - Returns: True if it was set aside.
    /// - Throws: The errors of the database.
    private func setAside(
        _ worker: String, whereProven record: inout ExperimentRecord, besides interval: IntervalID
    ) throws -> Bool {
        guard let suspect = record.suspects[worker], suspect.setAside == nil,
            suspect.count >= Self.suspicion.new, suspect.disproved.count >= Self.disproofs
        else { return false }
        if suspect.count < Self.suspicion.proven, try hasDone(worker, in: record) { return false }
        let last = suspect.reason ?? "no reason known"
        let text =
            "the last \(suspect.count) attempts of worker \(worker) at \"\(record.experiment.name)\" failed, and other "
            + "workers trained \(suspect.disproved.count) of its intervals; its last failure: \(last)"
        record.suspects[worker]?.setAside = text
        for id in suspect.intervals.sorted() where id != interval {
            guard var other = try self.interval(id, in: record), !other.state.isFinished else { continue }
            other.forgive(worker)
            try update(other, in: record)
        }
        try append(.setAside, nil, ["worker": .string(worker), "reason": .string(text)], in: record)
        return true
    }

    /// Throws if a worker was set aside.
    ///
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/setAside``.
    func checkStanding(of worker: String, in record: ExperimentRecord) throws {
        guard let reason = record.suspects[worker]?.setAside else { return }
        throw PBTError(
            .setAside, "this worker was set aside: \(reason); fix the cause, then restart it")
    }

    /// Returns the intervals that are reserved for workers other than this one.
    func heldBack(from worker: String, in record: ExperimentRecord) throws -> Set<IntervalID> {
        guard let held = record.suspects[worker]?.heldBack, !held.isEmpty, try others(than: worker, in: record) else {
            return []
        }
        return Set(held)
    }

    /// Returns true if workers other than this one have leases.
    private func others(than worker: String, in record: ExperimentRecord) throws -> Bool {
        try running(in: record, expiredBy: nil, worker: nil).contains {
            $0.worker != worker && $0.leaseExpires.map { $0 > now } ?? false
        }
    }

    /// Returns the reason why an experiment that has not trained anything is hopeless, or nil if it is not.
    private func hopelessness(
        of record: ExperimentRecord, after interval: Interval, _ kind: String
    ) throws -> String? {
        let retries = record.experiment.retries
        let others = try running(in: record, expiredBy: nil, worker: nil).filter { $0.id != interval.id }
        if interval.failures > retries, !others.contains(where: { $0.failures <= retries }),
            try firstWaiting(in: record)?.failures ?? .max > retries
        {
            return "no interval was ever done; the last one"
        }
        // An attempt that has run for longer than this one did is past the point where this one failed.
        let lasted = (interval.started.map { now.since($0) } ?? .zero) * 2 + .milliseconds(100)
        guard !others.contains(where: { $0.started.map { now.since($0) > lasted } ?? false }) else { return nil }
        let same = record.suspects.values.flatMap(\.failures).filter { $0.kind == kind }
        let intervals = Set(same.map(\.interval)).count
        guard intervals >= Self.sameAtTheStart else { return nil }
        return "no interval was ever done, and \(intervals) failed in the same way; the last one"
    }

    /// Clears the failed attempts of all open intervals.
    private func forgiveAll(in record: inout ExperimentRecord) throws {
        for var interval in try intervals(in: record, index: nil)
        where !interval.state.isFinished && interval.failures > 0 {
            interval.failures = 0
            interval.failedBy = [:]
            try update(interval, in: record)
        }
        record.suspects = [:]
    }
}

/// Returns the kind of a failure: its reason without numbers, which differ between members, lines of progress bars, and
/// addresses.
package func failureKind(of reason: String) -> String {
    var text = ""
    var isNumber = false
    for character in reason.prefix(400) {
        if character.isASCII, character.isNumber || (isNumber && (character.isHexDigit || character == "x")) {
            if !isNumber { text.append("#") }
            isNumber = true
        } else {
            text.append(character)
            isNumber = false
        }
    }
    return String(text.prefix(200))
}

extension Interval {
    /// Clears the failed attempts of a worker.
    mutating func forgive(_ worker: String) {
        failures = max(0, failures - (failedBy.removeValue(forKey: worker) ?? 0))
    }
}

extension ExperimentRecord {
    /// True if no interval was trained yet and members do not come at any time.
    var hasTrainedNothing: Bool {
        (counts[.done] ?? 0) + (counts[.diverged] ?? 0) == 0 && !experiment.takesMembers
    }

    /// Removes suspects if there are too many, those with the fewest failures first.
    mutating func limitSuspects(keeping worker: String) {
        while suspects.count > Suspect.most {
            let least = suspects.filter { $0.key != worker && $0.value.setAside == nil }
                .min { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
            guard let least = least ?? suspects.first(where: { $0.key != worker }) else { return }
            suspects[least.key] = nil
        }
    }
}
