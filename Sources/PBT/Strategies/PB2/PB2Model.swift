// SPDX-License-Identifier: Apache-2.0

/// The model that ``PB2`` has learned from the intervals up to an index, for all decisions about members at that index.
struct PB2Model: Sendable {
    /// The name of a model in a history.
    struct Key: Hashable {
        var index: Int
        var settings: PB2
    }

    /// The suggestion of a model for an interval.
    struct Suggestion {
        /// The values of hyperparameters, each with the operation for its change.
        var values: [String: (value: Value, operation: String)]
        var prediction: Prediction?
    }

    /// The number of last rows that the parameters of the kernel are learned from.
    private static let fittedRows = 100
    /// The number of other members' choices that the model keeps a distance from.
    private static let mostExpected = 100
    /// The number of random starts of a maximization.
    private static let starts = 10

    private let settings: PB2
    private let index: Int
    private let axes: [PB2Axis]
    private let categories: [PB2Category]
    private var bandits: [CategoryBandit]
    private let rowCount: Int
    private let gains: StandardizedGains
    private let scores: ScaledScores
    /// Nil without numbers.
    private var process: GaussianProcess?

    /// Learns from all intervals up to an index; nil if no interval has a score before it and one after it, as after
    /// the first generation.
    ///
    /// - Parameters:
    ///   - index: The last index.
    ///   - history: The intervals.
    ///   - experiment: The definition.
    ///   - settings: The settings.
    /// - Throws: The errors of the history.
    init?(upTo index: Int, in history: IntervalHistory, of experiment: Experiment, _ settings: PB2) throws {
        // By name, since the order of a space must not affect sums.
        // One with a condition is explored without the model, which needs a value of each in every interval.
        let explored = experiment.space.dimensions.filter {
            $0.value.isMutable && $0.value.explore == nil && $0.value.condition == nil
        }.sorted { $0.key < $1.key }
        let axes = explored.compactMap { PB2Axis($0.key, $0.value) }
        let categories = settings.mixesCategories ? explored.compactMap { PB2Category($0.key, $0.value) } : []
        var inputs: [GaussianProcess.Input] = []
        var rows = try PB2Row.last(settings.rows, upTo: index, in: history, by: experiment.objective)
        let scores = ScaledScores(rows.map(\.before))
        rows.removeAll { row in
            // One from before an edit may lack a hyperparameter.
            guard
                let input = Self.input(
                    axes, categories, row.hyperparameters, scores.place(of: row.before), row.id.index)
            else { return true }
            inputs.append(input)
            return false
        }
        guard !rows.isEmpty else { return nil }
        self.index = index
        self.settings = settings
        self.axes = axes
        self.categories = categories
        self.scores = scores
        rowCount = rows.count
        gains = StandardizedGains(rows.map(\.gain))
        bandits = Self.bandits(of: categories, rows, inputs, rounds: experiment.intervals)
        guard !axes.isEmpty else { return }
        let kernel = TimeVaryingKernel.fitted(
            to: Array(inputs.prefix(Self.fittedRows)), Array(gains.values.prefix(Self.fittedRows)),
            mixing: !categories.isEmpty)
        process = GaussianProcess(inputs, gains.values, kernel: kernel)
    }

    private static func input(
        _ axes: [PB2Axis], _ categories: [PB2Category], _ hyperparameters: Hyperparameters, _ score: Double,
        _ index: Int
    ) -> GaussianProcess.Input? {
        var input = GaussianProcess.Input([score], time: Double(index))
        for axis in axes {
            guard let place = hyperparameters[axis.name].flatMap({ axis.place(of: $0) }) else { return nil }
            input.numbers.append(place)
        }
        for category in categories {
            guard let place = hyperparameters[category.name].flatMap({ category.place(of: $0) }) else { return nil }
            input.categories.append(place)
        }
        return input
    }

    /// Returns what each category has gained, the gains of each index scaled to 0 … 1.
    private static func bandits(
        of categories: [PB2Category], _ rows: [PB2Row], _ inputs: [GaussianProcess.Input], rounds: Int
    ) -> [CategoryBandit] {
        var bandits = categories.map { CategoryBandit(of: $0.values.count, rounds: rounds) }
        guard !bandits.isEmpty else { return [] }
        let byRound = Dictionary(grouping: rows.indices) { rows[$0].id.index }
        for (_, places) in byRound.sorted(by: { $0.key < $1.key }) {
            let rewards = ScaledScores(places.map { rows[$0].gain })
            let isEqual = places.allSatisfy { rows[$0].gain == rows[places[0]].gain }
            for bandit in bandits.indices {
                bandits[bandit].learn(
                    from: places.map { place in
                        (inputs[place].categories[bandit], isEqual ? 0 : rewards.place(of: rows[place].gain))
                    })
            }
        }
        return bandits
    }

    /// Returns the hyperparameters with which an interval is expected to gain most.
    ///
    /// - Parameters:
    ///   - next: The interval.
    ///   - donor: The donor whose checkpoint it continues.
    ///   - others: What other members that took over a donor train with at the same index: hyperparameters, and the
    ///     scores before them.
    ///   - experiment: The definition.
    /// - Returns: The suggestion.
    mutating func suggestion(
        for next: IntervalID, from donor: Population.Member, besides others: [(Hyperparameters, before: Double)],
        in experiment: Experiment
    ) -> Suggestion {
        var suggestion = Suggestion(values: [:])
        var drawn: [Int] = []
        for (category, bandit) in zip(categories, bandits) {
            var random = RandomStream(
                seed: experiment.seed, .explore, member: next.member, index: next.index, name: category.name)
            let place = bandit.drawn(using: &random)
            drawn.append(place)
            suggestion.values[category.name] = (category.values[place], "bandit")
        }
        guard process != nil else { return suggestion }
        expect(others, at: next.index, by: experiment.objective)
        let score = scores.place(of: experiment.objective.key(donor.score))
        var random = RandomStream(seed: experiment.seed, .explore, member: next.member, index: next.index)
        // The donor's place first, so that it wins a tie.
        let own = axes.map { axis in donor.hyperparameters[axis.name].flatMap { axis.place(of: $0) } ?? 0.5 }
        let starts = [own] + (0..<Self.starts).map { _ in axes.map { _ in random.unit() } }
        let kappa = settings.kappa.value(rows: rowCount)
        let best = CompassSearch.maximum(from: starts) { places in
            posteriors(at: places, drawn, score, next.index).map { posterior in
                posterior.mean
                    + kappa * (settings.spread == .variance ? posterior.variance : posterior.variance.squareRoot())
            }
        }
        let values = zip(axes, best).map { $0.value(at: $1) }
        for (axis, value) in zip(axes, values) { suggestion.values[axis.name] = (value, "pb2") }
        // What is expected of the value, which may be on a grid.
        let places = zip(axes, values).map { $0.place(of: $1) ?? 0 }
        let posterior = posteriors(at: [places], drawn, score, next.index)[0]
        let prediction = Prediction(
            gain: gains.mean + gains.deviation * posterior.mean,
            deviation: gains.deviation * posterior.variance.squareRoot(), rows: rowCount)
        if prediction.gain.isFinite, prediction.deviation.isFinite { suggestion.prediction = prediction }
        return suggestion
    }

    private func posteriors(
        at places: [[Double]], _ drawn: [Int], _ score: Double, _ time: Int
    ) -> [GaussianProcess.Posterior] {
        process?.posteriors(
            at: places.map { GaussianProcess.Input([score] + $0, categories: drawn, time: Double(time)) }) ?? []
    }

    /// Sets the points whose gain is not known yet: the first of the others' choices.
    private mutating func expect(
        _ others: [(Hyperparameters, before: Double)], at time: Int, by objective: Objective
    ) {
        let inputs = others.prefix(Self.mostExpected).compactMap { hyperparameters, before in
            Self.input(axes, categories, hyperparameters, scores.place(of: objective.key(before)), time)
        }
        let known = process?.pendingInputs ?? []
        let isExtended = inputs.count >= known.count && inputs.prefix(known.count).elementsEqual(known)
        if !isExtended { process?.expectNothing() }
        for input in inputs.dropFirst(isExtended ? known.count : 0) { process?.expect(input) }
    }
}
