// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns the experiment with the copies of checkpoints that an earlier definition has.
    ///
    /// A file names sources only; a copy from the same source is reused. Checkpoints that an earlier definition copied
    /// from the best members of an experiment are kept, also if this definition came without `--from` and names none.
    package func withCopies(of earlier: Experiment) -> Experiment {
        var result = self
        let own = founderCheckpoints
        if let experiment = earlier.founderCheckpoints.experiment, own.shared == nil,
            own.experiment == experiment || own.isEmpty && initial.isEmpty
        {
            result.founderCheckpoints = earlier.founderCheckpoints
            result.initial = earlier.initial
            return result
        }
        let known = Dictionary(
            earlier.founderCheckpoints.all.map { ($0.source, $0.copy) }, uniquingKeysWith: { first, _ in first })
        result.founderCheckpoints = founderCheckpoints.map { checkpoint in
            FounderCheckpoint(checkpoint.source, copy: known[checkpoint.source].flatMap(\.self) ?? checkpoint.copy)
        }
        return result
    }

    /// Returns the experiment with founders that continue the best members of another one.
    ///
    /// The k-th founder takes over the hyperparameters and the checkpoint of the k-th best member, from those that
    /// truncation selection would copy: the best fifth, at least one. A hyperparameter that this space lacks is
    /// dropped; one that the other space lacked, or whose value this space does not allow, is sampled.
    ///
    /// - Parameters:
    ///   - intervals: The intervals of the other experiment.
    ///   - other: The other experiment's definition.
    /// - Returns: The experiment with its `initial` hyperparameters and checkpoints, not copied yet.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/wrongState`` if no member has a checkpoint.
    package func continuing(bestOf intervals: [Interval], in other: Experiment) throws -> Experiment {
        var best: [Int: Interval] = [:]
        for interval in intervals where interval.state == .done && interval.checkpointState == .kept {
            guard interval.checkpointName != nil, let score = interval.score, score.isFinite else { continue }
            if let known = best[interval.id.member], !other.objective.prefers(interval, to: known) { continue }
            best[interval.id.member] = interval
        }
        let ranked = best.values.sorted { other.objective.prefers($0, to: $1) }
        guard !ranked.isEmpty else {
            throw PBTError(
                .wrongState,
                "no member of \"\(other.name)\" has a checkpoint that founders could continue; train it first, or "
                    + "remove from")
        }
        let members = Set(intervals.map(\.id.member)).count
        let most = takesMembers ? ranked.count : max(1, min(population, ranked.count))
        let count = max(1, min(most, (members + 2) / 5))
        var result = self
        result.initial = ranked.prefix(count).map { allowed($0.hyperparameters) }
        for (member, interval) in ranked.prefix(count).enumerated() {
            guard let name = interval.checkpointName else { continue }
            result.founderCheckpoints.own[member] = FounderCheckpoint(.checkpoint(name, of: other.name))
        }
        return result
    }

    /// Throws if a checkpoint that founders continue was not copied.
    package func checkFoundersCopied() throws {
        guard founderCheckpoints.shared == nil || initial.isEmpty && founderCheckpoints.own.isEmpty else {
            throw PBTError(
                .badExperiment,
                "founders of \"\(name)\" have both a shared checkpoint and initial values of their own; keep one of "
                    + "the two")
        }
        guard !founderCheckpoints.isCopied else { return }
        let source =
            founderCheckpoints.all.first { $0.copy == nil }.map { "the checkpoint \($0.source)" }
            ?? "the best of \"\(founderCheckpoints.experiment ?? "")\""
        throw PBTError(
            .badExperiment,
            "founders of \"\(name)\" cannot continue \(source): it was not copied into the experiment's data "
                + "directory; create the experiment with pbt create, pbt run, or a server")
    }

    /// Returns those of the hyperparameters that the space allows.
    private func allowed(_ given: Hyperparameters) -> Hyperparameters {
        guard !space.dimensions.isEmpty else { return given }
        var allowed: [String: Value] = [:]
        for (name, value) in given.values {
            guard let dimension = space[name], dimension.complaint(about: value) == nil else { continue }
            allowed[name] = value
        }
        guard !space.isIndependent else { return Hyperparameters(allowed) }
        for name in space.names(connectedTo: space.violated(by: allowed)) { allowed.removeValue(forKey: name) }
        // Those that depend on a value that is sampled are sampled too.
        return Hyperparameters(space.withoutUnmet(allowed))
    }
}
