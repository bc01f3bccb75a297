// SPDX-License-Identifier: Apache-2.0

public import PBT

/// A simulation of an experiment on a toy in memory, without a store and workers.
///
/// It calls ``PBT/Experiment/decide(after:in:learningFrom:strategies:at:revised:)`` like a store, so that thousands of
/// runs of a reference problem take seconds. A toy's weights are its checkpoints.
public struct Simulation<T: Toy>: Sendable {
    /// The order in which waiting members train.
    public enum Order: Sendable {
        /// The least trained one first, as in stores.
        case inStep
        /// Random, drawn with this seed: workers of very different speeds.
        case drawn(UInt64)
    }

    /// The result of a run.
    public struct Outcome: Sendable {
        /// All intervals, by member and index.
        public var intervals: [IntervalID: Interval] = [:]
        /// All decisions, in the order in which they were made.
        public var decisions: [Decision] = []
        /// The done interval with the best score; among equal ones, the first to finish.
        public var best: Interval?
        /// The weights after each interval.
        public var weights: [IntervalID: T.Weights] = [:]

        /// Returns the intervals of a member, in order.
        public func intervals(of member: Int) -> [Interval] {
            intervals.values.filter { $0.id.member == member }.sorted { $0.id < $1.id }
        }

        /// The best score; minus infinity if no interval was done.
        public var bestScore: Double {
            best?.score ?? -.infinity
        }
    }

    /// The experiment.
    public var experiment: Experiment
    /// The toy.
    public var toy: T
    /// The strategies written in Swift.
    public var strategies: Strategies
    /// The order in which waiting members train; irrelevant for a synchronous experiment.
    public var order: Order

    /// Creates a simulation.
    public init(_ experiment: Experiment, of toy: T, strategies: Strategies = Strategies(), order: Order = .inStep) {
        self.experiment = experiment
        self.toy = toy
        self.strategies = strategies
        self.order = order
    }

    /// Trains all members to their end.
    ///
    /// - Throws: The errors of the toy and of decisions; a ``PBT/PBTError`` for successive halving, whose rungs need a
    ///   store.
    public func run() throws -> Outcome {
        if case .successiveHalving = experiment.kind {
            throw PBTError(
                .badExperiment, "a simulation has no rungs; train \"\(experiment.name)\" with an InMemoryStore")
        }
        if experiment.waitsForCertainty { return try runUntilCertain() }
        let start = Timestamp(milliseconds: 0)
        var outcome = Outcome()
        var population = Population(experiment)
        var generation: [Interval] = []
        var waiting: [Interval] = (0..<experiment.population).map { experiment.firstInterval(of: $0, at: start) }
        var scheduler = Scheduler(order)
        while let place = scheduler.next(of: waiting) {
            var interval = waiting.remove(at: place)
            try train(&interval, in: &outcome)
            let id = interval.id
            let standing = experiment.standing(of: interval, after: population[id: id.member])
            if let standing { population.update(standing) } else { population.remove(id.member) }
            generation.append(interval)
            if experiment.isSynchronous, !waiting.isEmpty { continue }
            let history = Self.history(of: outcome)
            let decisions = try generation.sorted { $0.id < $1.id }.map {
                try experiment.decide(
                    after: $0, in: population, learningFrom: history, strategies: strategies, at: start)
            }
            generation = []
            for decision in decisions where decision.replaces { population.remove(decision.interval.member) }
            waiting += decisions.compactMap(\.next)
            outcome.decisions += decisions
        }
        return outcome
    }

    /// Trains all members to their end, and decides as soon as that is certain.
    private func runUntilCertain() throws -> Outcome {
        let start = Timestamp(milliseconds: 0)
        var outcome = Outcome()
        var standings = Population(experiment)
        let generations = Generations(experiment, first: 0, size: experiment.population, definition: 0)
        var waiting: [Interval] = (0..<experiment.population).map { experiment.firstInterval(of: $0, at: start) }
        var scheduler = Scheduler(order)
        while let place = scheduler.next(of: waiting) {
            var interval = waiting.remove(at: place)
            try train(&interval, in: &outcome)
            let id = interval.id
            let standing = experiment.standing(of: interval, after: standings[id: id.member])
            if let standing { standings.update(standing) } else { standings.remove(id.member) }
            var certain = [id]
            if !experiment.ends(after: interval) {
                generations.report(id, undecided: true) { standing }
                certain = generations.settled(by: id)
            }
            let history = Self.history(of: outcome)
            for id in certain {
                guard let interval = outcome.intervals[id] else { continue }
                // A member's last interval has no generation.
                let population =
                    experiment.ends(after: interval)
                    ? standings : generations[id.index].population(of: generations.size)
                let decision = try experiment.decide(
                    after: interval, in: population, learningFrom: history, strategies: strategies, at: start)
                generations.decide(id)
                if decision.replaces { standings.remove(id.member) }
                waiting += decision.next.map { [$0] } ?? []
                outcome.decisions.append(decision)
            }
            _ = generations.advance()
        }
        return outcome
    }

    /// Returns the intervals as they are now, for rules that learn from them.
    private static func history(of outcome: Outcome) -> IntervalHistory {
        let known = outcome.intervals
        return IntervalHistory { index in known.values.filter { $0.id.index == index } }
    }

    private func train(_ interval: inout Interval, in outcome: inout Outcome) throws {
        let id = interval.id
        let seed = experiment.trainerSeed(for: id)
        var weights = interval.parent.flatMap { outcome.weights[$0] } ?? toy.founder(seed: seed)
        let score = try toy.train(&weights, with: interval.hyperparameters, seed: seed)
        interval.score = score
        interval.state = score.isFinite ? .done : .diverged
        interval.checkpoint = id.description
        interval.checkpointState = .kept
        interval.attempts = 1
        outcome.weights[id] = weights
        outcome.intervals[id] = interval
        if score.isFinite, outcome.best.map({ experiment.objective.prefers(interval, to: $0) }) ?? true {
            outcome.best = interval
        }
    }

    private struct Scheduler {
        private var random: RandomStream?

        init(_ order: Order) {
            if case .drawn(let seed) = order { random = RandomStream(seed: seed, .trainer, member: 0, index: 0) }
        }

        mutating func next(of waiting: [Interval]) -> Int? {
            guard !waiting.isEmpty else { return nil }
            if let drawn = random?.index(below: waiting.count) { return drawn }
            return waiting.indices.min {
                (waiting[$0].id.index, waiting[$0].id.member) < (waiting[$1].id.index, waiting[$1].id.member)
            }
        }
    }
}
