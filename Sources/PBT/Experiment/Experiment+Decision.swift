// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Decides about a member after one of its intervals finished: the algorithm.
    ///
    /// A pure function of this experiment, the finished interval, and the members that can be ranked; the draws come
    /// from streams named by (seed, member, index, hyperparameter). The same rows give the same decision on every
    /// machine.
    ///
    /// With ``Decides/certain`` the population is the one at the index of the interval.
    ///
    /// Source: Jaderberg et al. 2017, algorithm 1. There is no exploit after a member's last interval, since nothing
    /// would be trained with the donor's weights.
    ///
    /// - Parameters:
    ///   - interval: The interval that finished: done, diverged, or failed.
    ///   - population: The members that can be ranked, including this one if its score is finite.
    ///   - history: The intervals as they are at this moment, for a rule that learns from them: ``ExploreRule/pb2(_:)``.
    ///     Such a rule perturbs if scores are missing, which are not waited for.
    ///   - strategies: The strategies written in Swift.
    ///   - now: The creation time of the next interval.
    ///   - isRevised: Pass true if the definition was edited since the experiment was created, so that hyperparameters
    ///     may come from another space: missing ones are added, removed ones are dropped, and explore moves values into
    ///     their range.
    /// - Returns: The decision, with the member's next interval unless it ends.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` if a strategy is missing, with
    ///   ``PBTError/Code/badValue`` if a rule needs a history and there is none, and the errors of the history.
    public func decide(
        after interval: Interval, in population: Population, learningFrom history: IntervalHistory? = nil,
        strategies: Strategies = Strategies(), at now: Timestamp, revised isRevised: Bool = false
    ) throws -> Decision {
        let id = interval.id
        let nextID = IntervalID(member: id.member, index: id.index + 1)
        guard nextID.index < intervals, !isRetired(id.member) else {
            return Decision(interval: id, outcome: .ends, next: nil)
        }
        func continues(with hyperparameters: Hyperparameters) -> Decision {
            let (adapted, changes) = isRevised ? adapted(hyperparameters, for: nextID) : (hyperparameters, [])
            return Decision(
                interval: id, outcome: .continues,
                next: Interval(
                    id: nextID, parent: id, hyperparameters: adapted, changes: changes, depth: interval.depth + 1,
                    created: now))
        }
        switch kind {
        case .randomSearch, .manual:
            return interval.state == .done
                ? continues(with: interval.hyperparameters) : Decision(interval: id, outcome: .ends, next: nil)
        case .successiveHalving:
            return continuesHalving(after: interval, in: population)
                ? continues(with: interval.hyperparameters) : Decision(interval: id, outcome: .ends, next: nil)
        case .replay(let schedule):
            return interval.state == .done
                ? continues(with: schedule[nextID.index]) : Decision(interval: id, outcome: .ends, next: nil)
        case .populationBasedTraining:
            break
        }
        if interval.state == .done, isBurningIn(after: id.index) { return continues(with: interval.hyperparameters) }
        let choice = try choice(after: interval, in: population, strategies: strategies)
        if let donor = choice.donor {
            let explored =
                if let origin = choice.subPopulation?.origin {
                    migrated(
                        from: donor, with: origin, own: interval.hyperparameters, for: nextID, revised: isRevised)
                } else {
                    try explored(
                        by: explore(ofMember: id.member),
                        from: self.donor(donor, giving: takes(after: interval), to: interval),
                        own: interval.hyperparameters, for: nextID, in: population, learningFrom: history,
                        strategies: strategies, revised: isRevised)
                }
            let keepsWeights = takes(after: interval) == .hyperparameters
            let next = Interval(
                id: nextID, parent: keepsWeights ? id : donor.interval, hyperparameters: explored.hyperparameters,
                changes: explored.changes, depth: (keepsWeights ? interval.depth : donor.depth) + 1, created: now)
            history?.add(next)
            return Decision(
                interval: id, outcome: keepsWeights ? .adopts(donor.interval) : .exploits(donor.interval), next: next,
                prediction: explored.prediction)
        }
        if exploit.kind == .itself, let own = standing(of: interval, after: nil) {
            return try explores(after: interval, own, strategies: strategies, at: now, revised: isRevised)
        }
        if interval.state == .done { return continues(with: interval.hyperparameters) }
        if !exploit.hasDonors { return Decision(interval: id, outcome: .ends, next: nil) }
        return Decision(
            interval: id, outcome: .restarts,
            next: Interval(
                id: nextID, parent: nil, hyperparameters: restarted(at: nextID), depth: 1, created: now))
    }

    /// Returns the decision by which a member explores its own hyperparameters; see ``ExploitRule/itself``.
    ///
    /// It depends on no other member, so that the tree of intervals is the same however they keep pace.
    private func explores(
        after interval: Interval, _ own: Population.Member, strategies: Strategies, at now: Timestamp,
        revised isRevised: Bool
    ) throws -> Decision {
        let next = IntervalID(member: interval.id.member, index: interval.id.index + 1)
        var alone = Population(self)
        alone.update(own)
        let explored = try explored(
            by: explore, from: own, own: own.hyperparameters, for: next, in: alone, learningFrom: nil,
            strategies: strategies, revised: isRevised)
        return Decision(
            interval: interval.id, outcome: .explores,
            next: Interval(
                id: next, parent: interval.id, hyperparameters: explored.hyperparameters, changes: explored.changes,
                depth: interval.depth + 1, created: now))
    }

    /// Returns the choice of a donor after an interval, with its steps.
    ///
    /// - Parameters:
    ///   - interval: The interval that finished.
    ///   - population: The members that can be ranked.
    ///   - strategies: The strategies written in Swift.
    /// - Returns: The choice; without steps if a strategy written in Swift makes it.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` if a strategy is missing.
    package func choice(
        after interval: Interval, in population: Population, strategies: Strategies
    ) throws -> ExploitChoice {
        if let back = returnToElite(after: interval, in: population) { return back }
        var choice = try choiceBeforeGate(after: interval, in: population, strategies: strategies)
        if let donor = choice.donor { choice.apply(verdict(on: donor, for: interval.id.member, in: population)) }
        return choice
    }

    /// Returns the choice of a donor, regardless of the gate.
    private func choiceBeforeGate(
        after interval: Interval, in population: Population, strategies: Strategies
    ) throws -> ExploitChoice {
        let id = interval.id
        if let division {
            return Exchange(exploit.subPopulations, division, after: id.index, in: population).choice(for: id.member)
        }
        var random = RandomStream(seed: seed, .exploit, member: id.member, index: id.index + 1)
        if case .custom(let name) = exploit.kind, let member = population[id: id.member] {
            var choice = ExploitChoice(rank: population.rank(of: member.id), size: population.size)
            guard let strategy = strategies.exploit[name] else {
                try strategies.check(self)
                return choice
            }
            let chosen = strategy.donor(for: member, in: population, using: &random)
            choice.donor = chosen.flatMap { $0 == member.id ? nil : population[id: $0] }
            return choice
        }
        return exploit.choose(
            for: id.member, depth: interval.depth, in: population, rivalsBy: rivalDraw(in: population), using: &random)
    }

    /// Returns the numbers among which a rival is drawn.
    ///
    /// By rank with the timings that existed before ``Decides/certain``, so that their decisions can be derived again,
    /// and among the known members of a partial population.
    package func rivalDraw(in population: Population) -> RivalDraw {
        decides == .certain && !population.isPartial ? .number : .rank
    }

    /// Returns the member that one is compared with after an interval, by the same draw as the decision.
    package func rival(after interval: IntervalID, among size: Int) -> Int? {
        var random = RandomStream(seed: seed, .exploit, member: interval.member, index: interval.index + 1)
        return ExploitRule.rival(of: interval.member, among: size, using: &random)
    }

    /// Adapts hyperparameters of an earlier revision to the present space, except those of a manual search or a replay.
    func adapted(_ given: Hyperparameters, for next: IntervalID) -> (Hyperparameters, [Change]) {
        guard kind == .populationBasedTraining || kind == .randomSearch else { return (given, []) }
        let adapted = space.adapted(given) { name, dimension in
            if initial.indices.contains(next.member), let listed = initial[next.member][name] { return listed }
            var random = RandomStream(seed: seed, .sample, member: next.member, index: next.index, name: name)
            return dimension.sample(using: &random)
        }
        return (adapted.hyperparameters, adapted.changes)
    }

    /// The hyperparameters that follow from a donor's, the changes, and what a model predicted of them.
    typealias Explored = (hyperparameters: Hyperparameters, changes: [Change], prediction: Prediction?)

    /// Returns the hyperparameters that follow from a donor's by a rule.
    private func explored(
        by explore: ExploreRule, from donor: Population.Member, own: Hyperparameters, for next: IntervalID,
        in population: Population, learningFrom history: IntervalHistory?, strategies: Strategies,
        revised isRevised: Bool
    ) throws -> Explored {
        var (result, changes) =
            isRevised ? adapted(donor.hyperparameters, for: next) : (donor.hyperparameters, [])
        var proposed: Hyperparameters?
        if case .custom(let name) = explore.kind {
            guard let strategy = strategies.explore[name] else {
                try strategies.check(self)
                return (result, changes, nil)
            }
            var random = RandomStream(seed: seed, .explore, member: next.member, index: next.index)
            proposed = strategy.explore(
                own: own, donor: donor, in: population, space: space, using: &random)
        }
        // What is known before all have reported depends on the moment, so nothing is learned from it.
        let suggestion =
            population.isPartial ? nil : try suggestion(by: explore, from: donor, for: next, learningFrom: history)
        let base = result
        func change(of name: String, attempt: Int) -> Change? {
            guard let dimension = space[name], let old = donor.hyperparameters[name], dimension.isMutable else {
                return nil
            }
            if case .constant = dimension.domain { return nil }
            var (new, operation, isClipped): (Value, String, Bool)
            if let proposed, dimension.explore == nil {
                new = proposed[name].flatMap { dimension.nearestLegal(to: $0) } ?? old
                (operation, isClipped) = (new == old ? "kept" : "custom", false)
            } else if attempt == 0, let suggested = suggestion?.values[name] {
                (new, operation, isClipped) = (suggested.value, suggested.operation, false)
            } else {
                var random = RandomStream(
                    seed: seed, .explore, member: next.member, index: next.index, name: name, attempt: attempt)
                let explored = dimension.explored(from: old, by: dimension.explore ?? explore, using: &random)
                (new, operation, isClipped) = (explored.value, explored.operation, explored.isClipped)
            }
            if isRevised, !(dimension.explore ?? explore).ignoresBounds, dimension.complaint(about: new) != nil {
                var random = RandomStream(
                    seed: seed, .sample, member: next.member, index: next.index, name: name, attempt: attempt)
                let legal = dimension.nearestLegal(to: new)
                (new, operation) = legal.map { ($0, "clipped") } ?? (dimension.sample(using: &random), "resampled")
                isClipped = false
            }
            return Change(name: name, old: old, operation: operation, new: new, isClipped: isClipped)
        }
        let explored = space.names.compactMap { change(of: $0, attempt: 0) }
        guard space.isIndependent else {
            let legal = legal(explored, of: base, for: next, again: change)
            return (legal.hyperparameters, changes + legal.changes, suggestion?.prediction)
        }
        for change in explored { result[change.name] = change.new }
        return (result, changes + explored, suggestion?.prediction)
    }
}
