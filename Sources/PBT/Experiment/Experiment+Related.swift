// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns the names that an experiment's baseline may have.
    package static func baselineNames(of name: String) -> [String] {
        [Baseline.randomSearch, .successiveHalving(Halving())].map { "\(name).\($0.keyword)" }
    }

    /// The experiment with independent members and no baseline.
    private var withoutExchange: Experiment {
        var result = self
        result.exploit = .none
        result.burnIn = 0
        result.gate = nil
        result.elites = nil
        result.explore = .none
        result.isSynchronous = false
        result.deadline = nil
        result.decides = .early
        result.patience = nil
        result.hasBaseline = false
        return result
    }

    /// A search without exploit and explore with the same founders, trainer, and budget; nil if the experiment has no
    /// baseline.
    public var baseline: Experiment? {
        guard let baselineKind else { return nil }
        var baseline = withoutExchange
        baseline.name = "\(name).\(baselineKind.keyword)"
        baseline.kind = .randomSearch
        if case .successiveHalving(let halving) = baselineKind { return baseline.halved(by: halving) }
        return baseline
    }

    /// Returns an experiment that trains a schedule again from the start, with one member per seed.
    ///
    /// - Parameters:
    ///   - name: The new experiment's name.
    ///   - schedule: The hyperparameters of each interval.
    ///   - seeds: The number of members.
    ///   - checkpoint: The checkpoint that all of them continue; nil for untrained models.
    /// - Returns: An experiment of kind ``Kind/replay(_:)``.
    public func replay(
        named name: String, schedule: [Hyperparameters], seeds: Int, continuing checkpoint: FounderCheckpoint? = nil
    ) -> Experiment {
        var replay = withoutExchange
        replay.name = name
        replay.kind = .replay(schedule)
        replay.population = seeds
        replay.intervals = schedule.count
        replay.initial = []
        replay.founderCheckpoints = FounderCheckpoints(shared: checkpoint)
        replay.isOpen = false
        replay.stop = Stop()
        replay.evaluate = nil
        return replay
    }
}
