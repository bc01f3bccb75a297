// SPDX-License-Identifier: Apache-2.0

/// The result of a claim for an evaluation of one of the best checkpoints.
public enum EvaluationClaim: Sendable, Hashable {
    /// Evaluate the checkpoint ``Assignment/parentCheckpoint`` under the lease, whose ``Lease/evaluation`` is the
    /// evaluation's number. Its definition is that of the training: see ``Assignment/evaluating``.
    case assignment(Assignment)
    /// All evaluations that are left are leased, to these workers.
    case nothingNow(holders: [String])
    /// There is nothing to evaluate, or all is evaluated.
    case over
}

extension Assignment {
    /// The assignment as a trainer gets it: of an evaluation, with the command of ``Experiment/evaluate``, not
    /// persistent, and with `PBT_EVALUATE=1`; of a training, unchanged.
    public var evaluating: Assignment {
        guard lease.evaluation != nil else { return self }
        var assignment = self
        assignment.experiment = experiment.evaluating
        return assignment
    }
}

extension Experiment {
    /// The definition that an evaluation runs by.
    package var evaluating: Experiment {
        var definition = self
        if let command = evaluate?.command { definition.trainer?.command = command }
        definition.trainer?.isPersistent = false
        definition.trainer?.environment["PBT_EVALUATE"] = "1"
        return definition
    }

    /// Returns the seed for an evaluation, or for training.
    ///
    /// The seed of an evaluation is a function of the experiment's seed, the number of the evaluation, and the interval.
    /// So all candidates are evaluated with streams of their own, none of which a trainer had.
    ///
    /// - Parameters:
    ///   - interval: The interval.
    ///   - evaluation: The number of the evaluation, from 0; nil for training.
    /// - Returns: A seed of 31 bits.
    public func trainerSeed(for interval: IntervalID, evaluation: Int?) -> Int {
        seeded(by: evaluation).trainerSeed(for: interval)
    }

    /// Returns the seed that all candidates of an evaluation share, or all members at the interval of an index.
    ///
    /// - Parameters:
    ///   - index: The index of the interval.
    ///   - evaluation: The number of the evaluation, from 0; nil for training.
    /// - Returns: A seed of 31 bits.
    public func intervalSeed(at index: Int, evaluation: Int?) -> Int {
        seeded(by: evaluation).intervalSeed(at: evaluation == nil ? index : 0)
    }

    /// The definition with a seed of its own for an evaluation.
    private func seeded(by evaluation: Int?) -> Experiment {
        guard let evaluation else { return self }
        var definition = self
        var random = RandomStream(seed: seed, .trainer, member: evaluation, index: 0, name: "evaluate")
        definition.seed = random.next()
        return definition
    }
}

/// A store whose evaluations workers can claim.
///
/// A lease on an evaluation is renewed, released and finished like that of an interval. Finishing it with a score
/// records the evaluation; with a failure, it is retried as often as an interval. The last one chooses the winner.
package protocol EvaluatingStore: Store {
    /// Claims an evaluation.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - worker: The name of the worker.
    ///   - term: The duration of the lease unless it is renewed; above 0.
    ///   - key: An idempotency key, as in ``Store/claim(_:from:by:for:key:)``.
    /// - Returns: An assignment, or the reason why there is none.
    /// - Throws: ``PBTError/Code/noSuchExperiment``, ``PBTError/Code/setAside``.
    func claimEvaluation(
        from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> EvaluationClaim
}
