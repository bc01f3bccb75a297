// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A run with known rules, simulated with the decisions that stores make: a model whose best learning rate falls as it
/// learns, so that a schedule wins, and which diverges when the rate is far too high.
struct SimulatedRun {
    var name = "digits"
    var objective = Objective.maximize("accuracy")
    var population = 12
    var intervals = 20
    var seed: UInt64 = 7
    var space: SearchSpace = [
        "learning_rate": .logUniform(1e-5...1), "momentum": .uniform(0.1...0.9999),
        "activation": .choice(["relu", "tanh", "gelu"]), "batch_size": .constant(64),
    ]
    var exploit = ExploitRule.truncation()
    var explore = ExploreRule.perturb(by: [0.8, 1.25], resampling: 0.1)
    var isSynchronous = true
    var hasBaseline = true
    /// How many intervals finish; none: all.
    var finishing: Int?
    /// What the score of an interval becomes in the end.
    var score: @Sendable (IntervalID, Double) -> Double = { $1 }

    private var experiment: Experiment {
        Experiment(
            name, objective: objective, population: population, intervals: intervals, seed: seed, space: space,
            exploit: exploit, explore: explore, isSynchronous: isSynchronous, hasBaseline: hasBaseline)
    }

    func history() throws -> History {
        let intervals = try Self.run(experiment, finishing: finishing, score: score)
        let baseline = try experiment.baseline.map { try Self.run($0, finishing: finishing, score: score) }
        return History(Self.record(experiment, intervals), intervals: intervals, baseline: baseline)
    }

    static func record(_ experiment: Experiment, _ intervals: [Interval]) -> ExperimentRecord {
        let finished = intervals.count { $0.state.isFinished }
        let zero = Timestamp(milliseconds: 0)
        return ExperimentRecord(
            id: 1, experiment: experiment, state: finished == intervals.count ? .finished : .running, created: zero,
            counts: Dictionary(grouping: intervals, by: \.state).mapValues(\.count), membersEnded: 0, skipped: 0,
            failuresInARow: 0, finishedIntervals: Int64(finished), generation: 0, generationBegan: zero)
    }

    private static func run(
        _ experiment: Experiment, finishing: Int?, score: (IntervalID, Double) -> Double
    ) throws -> [Interval] {
        var waiting = (0..<experiment.population).map {
            experiment.firstInterval(of: $0, at: Timestamp(milliseconds: 0))
        }
        var done: [Interval] = []
        var errors: [IntervalID: Double] = [:]
        var population = Population(objective: experiment.objective, seed: experiment.seed)
        var generation: [Interval] = []
        var workers = SplitMix64(seed: experiment.seed)
        while !waiting.isEmpty, done.count < finishing ?? .max {
            let place = experiment.isSynchronous ? 0 : Int(workers.next() % UInt64(min(waiting.count, 6)))
            var interval = waiting.remove(at: place)
            let trained = train(interval, from: interval.parent.flatMap { errors[$0] } ?? 0.9, experiment)
            errors[interval.id] = trained
            let result = score(interval.id, experiment.objective.goal == .maximize ? 1 - trained : trained)
            interval.score = result
            interval.state = result.isFinite ? .done : .diverged
            interval.metrics = [experiment.objective.metric: .number(result)]
            interval.sequence = Int64(done.count)
            interval.checkpoint = "\(interval.id.member)-\(interval.id.index)"
            interval.checkpointState = .kept
            interval.attempts = 1
            done.append(interval)
            generation.append(interval)
            let standing = experiment.standing(of: interval, after: population[id: interval.id.member])
            if let standing { population.update(standing) } else { population.remove(interval.id.member) }
            if experiment.isSynchronous, !waiting.isEmpty { continue }
            let decisions = try generation.map {
                try experiment.decide(after: $0, in: population, at: Timestamp(milliseconds: Int64(done.count) * 1000))
            }
            generation = []
            for decision in decisions where decision.replaces { population.remove(decision.interval.member) }
            waiting += decisions.compactMap(\.next)
            waiting.sort { ($0.id.index, $0.id.member) < ($1.id.index, $1.id.member) }
        }
        return (done + waiting).trained(by: ["host-1/4711", "host-1/4712", "host-2/99"]).sorted { $0.id < $1.id }
    }

    /// The error after an interval; not a number when the rate is far too high.
    private static func train(_ interval: Interval, from error: Double, _ experiment: Experiment) -> Double {
        var random = SplitMix64(seed: UInt64(experiment.trainerSeed(for: interval.id)))
        let rate = interval.hyperparameters["learning_rate"]?.double ?? 0.01
        let momentum = interval.hyperparameters["momentum"]?.double ?? 0.9
        if rate > 0.7 { return .nan }
        let wanted = 0.15 * error + 2e-4
        // A factor of ten away from the wanted rate, little is learned; above it, the error does not fall further.
        let distance = rate < wanted ? wanted / rate : rate / wanted
        let speed = 0.3 * (0.6 + 0.4 * momentum) / (0.7 + 0.3 * distance)
        let floor = min(0.85, 0.15 * rate)
        let noise = 0.02 * (Double(random.next() >> 11) * 0x1p-53 - 0.5) * error
        return max(1e-4, floor + (error - min(error, floor)) * (1 - speed) + noise)
    }
}
