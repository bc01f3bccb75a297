// SPDX-License-Identifier: Apache-2.0

/// Repeated evaluations of the best checkpoints, after the search.
extension Ledger {
    /// Records one evaluation of an interval's checkpoint; one that has a score already is not replaced.
    ///
    /// - Returns: The interval with all of its evaluations.
    /// - Throws: A ``PBTError``: `noSuchExperiment`, `noSuchInterval`; `wrongState` if the interval is not done;
    ///   `badValue` for a number or a score that is out of range.
    package func evaluated(_ evaluation: Evaluation, of id: IntervalID, in name: String) throws -> Interval {
        let record = try existing(name)
        var interval = try existing(id, in: record)
        guard interval.state == .done else {
            throw PBTError(.wrongState, "interval \(id) of \"\(name)\" is \(interval.state.rawValue), not done")
        }
        guard (0..<Evaluation.most).contains(evaluation.number) else {
            throw PBTError(
                .badValue, "the number of an evaluation is below \(Evaluation.most), not \(evaluation.number)")
        }
        guard evaluation.score?.isFinite != false else {
            throw PBTError(.badValue, "the score of an evaluation is finite; one that is not is a failure")
        }
        try check(evaluation.metrics)
        var evaluations = interval.evaluations
        if let place = evaluations.firstIndex(where: { $0.number == evaluation.number }) {
            guard evaluations[place].score == nil else { return interval }
            evaluations[place] = evaluation
        } else {
            evaluations.append(evaluation)
        }
        interval.setEvaluations(evaluations)
        try updateNotes(interval, in: record)
        var details: [String: Value] = ["number": .integer(evaluation.number)]
        details["score"] = evaluation.score.map { .number($0) }
        details["reason"] = evaluation.reason.map { .string($0) }
        try append(.evaluated, id, details, in: record)
        return interval
    }

    /// Makes the candidate with the best mean the best interval of its experiment, once all were evaluated.
    ///
    /// Candidates without a checkpoint, and those most of whose evaluations failed, are left out. If none remains, the
    /// best by score stays.
    ///
    /// - Parameters:
    ///   - candidates: The evaluated intervals.
    ///   - name: The experiment.
    /// - Returns: The best interval.
    /// - Throws: A ``PBTError``: `noSuchExperiment`, `noSuchInterval`.
    package func chooseWinner(among candidates: [IntervalID], of name: String) throws -> IntervalID? {
        var record = try existing(name)
        let objective = record.experiment.objective
        let evaluated = try candidates.map { try existing($0, in: record) }.filter { $0.checkpointState == .kept }
        let most = evaluated.compactMap(\.evaluated?.count).max() ?? 0
        let ranked = evaluated.filter { ($0.evaluated?.count ?? 0) * 2 > most }.sorted { a, b in
            let (mine, other) = (a.evaluated?.mean ?? .nan, b.evaluated?.mean ?? .nan)
            return mine == other ? objective.prefers(a, to: b) : objective.isBetter(mine, than: other)
        }
        guard let winner = ranked.first, let mean = winner.evaluated?.mean else { return record.best }
        if record.best == winner.id, record.isEvaluated { return winner.id }
        record.best = winner.id
        record.bestScore = winner.score
        record.isEvaluated = true
        try update(record)
        try updateNotes(record)
        try append(
            .evaluated, winner.id, ["best": true, "mean": mean.isFinite ? .number(mean) : .null], in: record)
        return winner.id
    }

    /// Returns to the best by score, since the search continues after its best checkpoints were evaluated.
    func forgetWinner(of record: inout ExperimentRecord) throws {
        guard record.isEvaluated || record.evaluationPlan != nil else { return }
        record.evaluationPlan = nil
        guard record.isEvaluated else { return try updateNotes(record) }
        record.isEvaluated = false
        record.best = try best(1, in: record).first
        record.bestScore = try record.best.flatMap { try interval($0, in: record)?.score }
        try updateNotes(record)
    }
}

extension ExperimentRecord {
    /// True if the best interval has the best mean of repeated evaluations, rather than the best score.
    package var isEvaluated: Bool {
        get { notes["evaluated"] == true }
        set { notes["evaluated"] = newValue ? true : nil }
    }
}

extension Experiment {
    /// Returns the intervals whose checkpoints are evaluated at the end of a search, best first.
    ///
    /// - Parameters:
    ///   - intervals: All intervals, in any order.
    ///   - count: The maximum number.
    /// - Returns: The candidates; only intervals with a checkpoint.
    package func candidates(among intervals: [Interval], atMost count: Int) -> [Interval] {
        Array(
            intervals.filter { $0.state == .done && $0.checkpointState == .kept && $0.checkpointName != nil }
                .sorted { objective.prefers($0, to: $1) }.prefix(count))
    }
}

extension TransactionalStore {
    /// See ``Ledger/evaluated(_:of:in:)``.
    package func evaluated(_ evaluation: Evaluation, of id: IntervalID, in name: String) async throws -> Interval {
        try await write(durable: true) { try $0.evaluated(evaluation, of: id, in: name) }
    }

    /// See ``Ledger/chooseWinner(among:of:)``.
    package func chooseWinner(among candidates: [IntervalID], of name: String) async throws -> IntervalID? {
        try await write(durable: true) { try $0.chooseWinner(among: candidates, of: name) }
    }
}
