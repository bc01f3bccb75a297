// SPDX-License-Identifier: Apache-2.0

/// Leases on evaluations: like those on intervals, but of many per interval, and without a decision at the end.
extension Ledger {
    /// See ``EvaluatingStore/claimEvaluation(from:by:for:key:)``.
    package func claimEvaluation(
        from name: String, by worker: String, for term: Duration, key: String?
    ) throws -> EvaluationClaim {
        guard term > .zero else { throw PBTError(.badValue, "the term of a lease must be positive, not \(term)") }
        var record = try existing(name)
        guard record.needsEvaluation else { return .over }
        try checkStanding(of: worker, in: record)
        let plan = try evaluationPlan(of: &record)
        let claimKey = key.map { LeaseSecret.ClaimKey($0) }
        var holders: Set<String> = []
        var free: (interval: Interval, number: Int)?
        for id in plan.candidates {
            guard var interval = try candidate(id, in: record) else { continue }
            try expireEvaluations(of: &interval, in: record)
            for number in missing(of: interval, in: plan) {
                let attempt = interval.attempt(at: number)
                guard attempt.expires != nil else {
                    if free == nil { free = (interval, number) }
                    continue
                }
                holders.insert(attempt.worker)
                guard attempt.worker == worker, let token = claimKey?.token(stored: attempt.token) else { continue }
                return .assignment(try lease(number, of: interval, attempt, token: token, for: term, in: record))
            }
        }
        guard let (interval, number) = free else {
            guard holders.isEmpty else { return .nothingNow(holders: holders.sorted()) }
            try concludeEvaluation(of: &record)
            return .over
        }
        var attempt = interval.attempt(at: number)
        attempt.attempts = attempt.attempts.adding(saturating: 1)
        attempt.worker = worker
        let token = claimKey?.token(at: 0) ?? freshToken()
        return .assignment(try lease(number, of: interval, attempt, token: token, for: term, in: record))
    }

    /// Makes or renews the plan of an experiment's evaluations.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - settings: The number of candidates and of evaluations of each; those of the definition if nil.
    ///   - retriesFailed: If true, evaluations that failed are repeated.
    /// - Returns: The number of candidates, and of evaluations that are missing; 0 and 0 if there is nothing to evaluate.
    /// - Throws: A ``PBTError`` with code `noSuchExperiment`.
    package func beginEvaluation(
        of name: String, _ settings: Experiment.Evaluate?, retryingFailed retriesFailed: Bool
    ) throws -> (candidates: Int, missing: Int) {
        var record = try existing(name)
        guard record.state == .finished, record.best != nil, let settings = settings ?? record.experiment.evaluate
        else {
            return (0, 0)
        }
        let found = experimentCandidates(try intervals(in: record, index: nil), settings, of: record)
        var plan = EvaluationPlan(found.map(\.id), repeats: settings.repeats, for: record.experiment)
        var count = 0
        for var interval in found {
            let failed = interval.evaluations.filter { $0.score == nil }
            if retriesFailed, !failed.isEmpty {
                interval.setEvaluations(interval.evaluations.filter { $0.score != nil })
                for evaluation in failed { interval.setAttempt(EvaluationAttempt(number: evaluation.number)) }
                try updateNotes(interval, in: record)
            }
            count += missing(of: interval, in: plan).count
        }
        let old = record.evaluationPlan
        plan.isDone = old?.isDone == true
        // The winner is chosen again if there are other candidates than before.
        if plan != old || count > 0 { plan.isDone = false }
        if plan != old {
            record.evaluationPlan = plan
            try updateNotes(record)
        }
        if count == 0, record.needsEvaluation { try concludeEvaluation(of: &record) }
        return (found.count, count)
    }

    /// Returns the plan of an experiment's evaluations, which is made when the first is claimed.
    private func evaluationPlan(of record: inout ExperimentRecord) throws -> EvaluationPlan {
        if let plan = record.evaluationPlan, plan.definition == EvaluationPlan.settings(of: record.experiment) {
            return plan
        }
        let settings = record.experiment.evaluate ?? Experiment.Evaluate()
        let found = experimentCandidates(try intervals(in: record, index: nil), settings, of: record)
        let plan = EvaluationPlan(found.map(\.id), repeats: settings.repeats, for: record.experiment)
        record.evaluationPlan = plan
        try updateNotes(record)
        return plan
    }

    private func experimentCandidates(
        _ intervals: [Interval], _ settings: Experiment.Evaluate, of record: ExperimentRecord
    ) -> [Interval] {
        record.experiment.candidates(among: intervals, atMost: settings.candidates)
    }

    /// Returns a candidate, unless its checkpoint is gone.
    private func candidate(_ id: IntervalID, in record: ExperimentRecord) throws -> Interval? {
        guard let interval = try interval(id, in: record), interval.state == .done,
            interval.checkpointState == .kept, interval.checkpointName != nil
        else { return nil }
        return interval
    }

    /// Returns the numbers of the evaluations that are not recorded.
    private func missing(of interval: Interval, in plan: EvaluationPlan) -> [Int] {
        let recorded = Set(interval.evaluations.map(\.number))
        return (0..<plan.repeats).filter { !recorded.contains($0) }
    }

    /// Leases an evaluation.
    private func lease(
        _ number: Int, of candidate: Interval, _ attempt: EvaluationAttempt, token: String, for term: Duration,
        in record: ExperimentRecord
    ) throws -> Assignment {
        var (interval, attempt) = (candidate, attempt)
        let expires = now.advanced(by: term)
        attempt.token = LeaseSecret.stored(token)
        attempt.expires = expires
        interval.setAttempt(attempt)
        try updateNotes(interval, in: record)
        let lease = Lease(
            experiment: record.experiment.name, interval: interval.id, attempt: attempt.attempts, token: token,
            worker: attempt.worker, expires: expires, evaluation: number)
        return Assignment(
            lease: lease, interval: interval, parentCheckpoint: interval.checkpoint, experiment: record.experiment)
    }

    /// Validates a lease on an evaluation.
    func validate(
        _ lease: Lease, evaluation number: Int
    ) throws -> (record: ExperimentRecord, interval: Interval, attempt: EvaluationAttempt) {
        let record = try existing(lease.experiment)
        let interval = try existing(lease.interval, in: record)
        let attempt = interval.attempt(at: number)
        guard attempt.expires != nil, LeaseSecret.matches(lease.token, stored: attempt.token) else {
            let now = attempt.expires == nil ? "nobody has it now" : "worker \(attempt.worker) has it now"
            throw PBTError(
                .leaseLost,
                "worker \(lease.worker) no longer has evaluation \(number) of interval \(lease.interval) of "
                    + "\"\(lease.experiment)\": \(now)")
        }
        return (record, interval, attempt)
    }

    /// Extends a lease on an evaluation.
    func renewEvaluation(_ lease: Lease, _ number: Int, for term: Duration) throws -> Lease {
        var (record, interval, attempt) = try validate(lease, evaluation: number)
        var renewed = lease
        renewed.expires = now.advanced(by: term)
        attempt.expires = renewed.expires
        interval.setAttempt(attempt)
        try updateNotes(interval, in: record)
        return renewed
    }

    /// Releases an evaluation, without counting a failure.
    func releaseEvaluation(_ lease: Lease, _ number: Int, because reason: String) throws {
        var (record, interval, attempt) = try validate(lease, evaluation: number)
        try release(&attempt, of: &interval, because: reason, in: record)
    }

    private func release(
        _ attempt: inout EvaluationAttempt, of interval: inout Interval, because reason: String,
        in record: ExperimentRecord
    ) throws {
        attempt.token = nil
        attempt.expires = nil
        interval.setAttempt(attempt)
        try updateNotes(interval, in: record)
        try append(
            .evaluated, interval.id,
            ["number": .integer(attempt.number), "reason": .string(reason), "retried": true], in: record)
    }

    /// Records the outcome of an evaluation; the last one chooses the winner.
    ///
    /// - Parameters:
    ///   - lease: The lease.
    ///   - number: The number of the evaluation.
    ///   - outcome: The outcome; without a checkpoint.
    /// - Returns: The interval with its evaluations, and the experiment.
    /// - Throws: A ``PBTError``: `leaseLost`, `badValue`.
    func finishEvaluation(_ lease: Lease, _ number: Int, _ outcome: Outcome) throws -> Finished {
        if let finished = try previousResult(of: lease, evaluation: number) { return finished }
        var (record, interval, attempt) = try validate(lease, evaluation: number)
        switch outcome {
        case .failed(let reason):
            try charge(&attempt, of: &interval, because: reason, in: record)
        case .trained(let score, let metrics, let checkpoint):
            guard checkpoint == nil else {
                throw PBTError(.badValue, "an evaluation has no checkpoint; leave out \"\(checkpoint ?? "")\"")
            }
            guard score.isFinite else {
                try charge(&attempt, of: &interval, because: "the score is \(score)", in: record)
                break
            }
            try check(metrics)
            attempt.expires = nil
            interval.setAttempt(attempt)
            try updateNotes(interval, in: record)
            interval = try evaluated(
                Evaluation(number: number, score: score, metrics: metrics.mapValues(\.finite)), of: interval.id,
                in: record.experiment.name)
        }
        try concludeIfComplete(&record)
        return Finished(interval: interval, decisions: [], garbage: [], record: record)
    }

    /// Returns the result of an attempt that this lease has already finished, for a caller that did not get the
    /// response.
    private func previousResult(of lease: Lease, evaluation number: Int) throws -> Finished? {
        let record = try existing(lease.experiment)
        let interval = try existing(lease.interval, in: record)
        let attempt = interval.attempt(at: number)
        guard attempt.expires == nil, LeaseSecret.matches(lease.token, stored: attempt.token) else { return nil }
        return Finished(interval: interval, decisions: [], garbage: [], record: record)
    }

    /// Counts a failed attempt at an evaluation, which has failed when its retries are spent.
    private func charge(
        _ attempt: inout EvaluationAttempt, of interval: inout Interval, because reason: String, isLost: Bool = false,
        in record: ExperimentRecord
    ) throws {
        attempt.failures = attempt.failures.adding(saturating: 1)
        guard attempt.failures > record.experiment.retries else {
            if !isLost {
                // Its token remains, so that the same finish may be repeated.
                attempt.expires = nil
                interval.setAttempt(attempt)
                try updateNotes(interval, in: record)
                return try append(
                    .evaluated, interval.id,
                    ["number": .integer(attempt.number), "reason": .string(reason), "retried": true], in: record)
            }
            return try release(&attempt, of: &interval, because: reason, in: record)
        }
        attempt.expires = nil
        if isLost { attempt.token = nil }
        interval.setAttempt(attempt)
        try updateNotes(interval, in: record)
        interval = try evaluated(
            Evaluation(number: attempt.number, score: nil, reason: reason), of: interval.id,
            in: record.experiment.name)
    }

    /// Ends leases on evaluations of an interval that were not renewed in time.
    ///
    /// As with intervals, a worker whose process is alive on this machine gets 10 more minutes, and is not charged.
    private func expireEvaluations(of interval: inout Interval, in record: ExperimentRecord) throws {
        guard !isGrace else { return }
        for var attempt in interval.evaluationAttempts {
            guard let expires = attempt.expires, expires <= now else { continue }
            guard isAlive(attempt.worker) else {
                try charge(
                    &attempt, of: &interval, because: "the lease of worker \(attempt.worker) expired", isLost: true,
                    in: record)
                continue
            }
            guard now.since(expires) > .seconds(600) else { continue }
            try release(
                &attempt, of: &interval,
                because: "worker \(attempt.worker) has been suspended for more than 10 minutes", in: record)
        }
    }

    /// Ends the leases on evaluations that a dead worker holds.
    ///
    /// - Returns: Their intervals.
    func abandonEvaluations(
        by worker: String, because reason: String, in record: inout ExperimentRecord
    ) throws -> [IntervalID] {
        guard record.needsEvaluation, let plan = record.evaluationPlan else { return [] }
        var lost: [IntervalID] = []
        for id in plan.candidates {
            guard var interval = try candidate(id, in: record) else { continue }
            for var attempt in interval.evaluationAttempts where attempt.worker == worker && attempt.expires != nil {
                try charge(&attempt, of: &interval, because: reason, isLost: true, in: record)
                lost.append(id)
            }
        }
        if !lost.isEmpty { try concludeIfComplete(&record) }
        return lost
    }

    /// Extends leases on evaluations so that none expires earlier than a given time.
    func extendEvaluations(until end: Timestamp, in record: ExperimentRecord) throws {
        guard record.needsEvaluation, let plan = record.evaluationPlan else { return }
        for id in plan.candidates {
            guard var interval = try candidate(id, in: record) else { continue }
            let attempts = interval.evaluationAttempts.filter { $0.expires.map { $0 < end } ?? false }
            for var attempt in attempts {
                attempt.expires = end
                interval.setAttempt(attempt)
            }
            if !attempts.isEmpty { try updateNotes(interval, in: record) }
        }
    }

    /// Chooses the winner if no evaluation is missing.
    private func concludeIfComplete(_ record: inout ExperimentRecord) throws {
        guard record.needsEvaluation, let plan = record.evaluationPlan else { return }
        for id in plan.candidates {
            guard let interval = try candidate(id, in: record) else { continue }
            guard missing(of: interval, in: plan).isEmpty else { return }
        }
        try concludeEvaluation(of: &record)
    }

    /// Chooses the winner, and marks the plan as done.
    private func concludeEvaluation(of record: inout ExperimentRecord) throws {
        let name = record.experiment.name
        let plan = record.evaluationPlan ?? EvaluationPlan([], repeats: 1, for: record.experiment)
        _ = try chooseWinner(among: plan.candidates, of: name)
        record = try existing(name)
        record.evaluationPlan = plan
        record.evaluationPlan?.isDone = true
        try updateNotes(record)
    }
}

extension TransactionalStore {
    /// See ``EvaluatingStore/claimEvaluation(from:by:for:key:)``.
    package func claimEvaluation(
        from name: String, by worker: String, for term: Duration, key: String? = nil
    ) async throws -> EvaluationClaim {
        // Durable, since it may choose the winner or record a failure.
        try await write(durable: true) { try $0.claimEvaluation(from: name, by: worker, for: term, key: key) }
    }

    /// See ``Ledger/beginEvaluation(of:_:retryingFailed:)``.
    package func beginEvaluation(
        of name: String, _ settings: Experiment.Evaluate? = nil, retryingFailed retriesFailed: Bool = false
    ) async throws -> (candidates: Int, missing: Int) {
        try await write(durable: true) { try $0.beginEvaluation(of: name, settings, retryingFailed: retriesFailed) }
    }
}
