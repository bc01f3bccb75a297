// SPDX-License-Identifier: Apache-2.0

import PBT

/// Definitions of every kind, drawn by a number.
struct ExperimentGenerator {
    private var random: RandomStream

    init(_ number: Int) {
        random = .trial(number, name: "experiment")
    }

    private mutating func chance(_ one: Int = 2) -> Bool {
        random.index(below: one) == 0
    }

    private mutating func oneOf<T>(_ values: [T]) -> T {
        values[random.index(below: values.count)]
    }

    mutating func experiment() -> Experiment {
        let space = searchSpace()
        let population = 1 + random.index(below: 50)
        let intervals = 1 + random.index(below: 30)
        let initial = (0..<(chance() ? random.index(below: min(4, population + 1)) : 0)).map { member in
            var founder = space.sample(seed: 99, member: member, index: 0)
            if chance(), let name = founder.names.first { founder[name] = nil }
            return founder
        }
        let isPBT = !chance(3)
        let isSynchronous = chance()
        var experiment = Experiment(
            oneOf(["mnist", "a b", "naïve", "x.random_search", "007"]),
            kind: isPBT ? .populationBasedTraining : .randomSearch,
            objective: chance() ? .maximize("accuracy") : .minimize("val/loss"), population: population,
            intervals: intervals, seed: chance() ? random.next() : UInt64(random.index(below: 100)), space: space,
            initial: initial, exploit: isPBT ? exploit() : .none, explore: isPBT ? explore() : .none,
            isSynchronous: isSynchronous, deadline: isSynchronous && chance() ? duration() : nil,
            retries: random.index(below: 5),
            stop: Experiment.Stop(target: chance() ? random.normal() : nil, after: chance() ? duration() : nil),
            keep: Experiment.Keep(best: 1 + random.index(below: 3), last: 1 + random.index(below: 3)),
            hasBaseline: isPBT && chance(), trainer: chance(3) ? nil : trainer())
        switch random.index(below: 8) {
        case 0:
            experiment = experiment.replay(
                named: "replay", schedule: (0..<intervals).map { space.sample(seed: 1, member: 0, index: $0) },
                seeds: 1 + random.index(below: 4))
        case 1:
            experiment.kind = .manual
            experiment.isSynchronous = false
            experiment.deadline = nil
            experiment.exploit = .none
            experiment.explore = .none
            experiment.hasBaseline = false
            experiment.population = max(experiment.initial.count, random.index(below: 3))
        case 2:
            experiment.kind = .successiveHalving(
                Halving(factor: 2 + random.index(below: 4), first: 1 + random.index(below: 3)))
            experiment.isSynchronous = false
            experiment.deadline = nil
            experiment.exploit = .none
            experiment.explore = .none
            experiment.hasBaseline = false
            return experiment
        default: break
        }
        if chance() { experiment.metrics = chance() ? [] : ["test accuracy", "n"] }
        if chance(), experiment.trainer != nil {
            experiment.evaluate = Experiment.Evaluate(
                command: experiment.trainer?.isPersistent == true || chance() ? ["test", "{checkpoint_in}"] : nil,
                candidates: 1 + random.index(below: 9), repeats: 1 + random.index(below: 9))
        }
        if experiment.kind == .populationBasedTraining {
            if experiment.hasBaseline, chance() { experiment.baselineKind = .successiveHalving(Halving(factor: 4)) }
            if chance(), experiment.exploit.hasDonors {
                experiment.exploit = experiment.exploit.taking(oneOf(ExploitRule.Takes.allCases))
            }
            if chance(), experiment.exploit != .itself {
                experiment.gate = ExploitGate(absolute: random.unit(), spread: chance() ? random.unit() : nil)
            }
        }
        if chance() {
            experiment.decides = oneOf(experiment.isSynchronous ? [.certain, .early] : [.certain, .early, .late])
        }
        if experiment.decides == .certain, !experiment.isSynchronous {
            if chance() { experiment.patience = chance() ? .zero : duration() }
            if chance() { experiment.deadline = duration() }
        }
        if case .replay = experiment.kind { return experiment }
        if !experiment.isSynchronous, !experiment.hasBaseline, chance() {
            experiment.isOpen = true
            if chance(), experiment.initial.isEmpty { experiment.population = 0 }
        }
        if experiment.kind == .populationBasedTraining, experiment.decides == .certain, experiment.exploit != .none,
            !experiment.isSynchronous, !experiment.isOpen, chance()
        {
            experiment.elites = Elites(
                count: 1 + random.index(below: 100), absolute: chance() ? random.unit() : nil, relative: random.unit())
        }
        return experiment
    }

    private mutating func duration() -> Duration {
        .milliseconds(1 + random.index(below: 10_000_000))
    }

    private mutating func trainer() -> Experiment.Trainer {
        Experiment.Trainer(
            command: ["python3", "train.py", "--lr={r}", "{args}", "7", ""], directory: "/training/dir",
            workers: 1 + random.index(below: 4), gpus: chance() ? ["0", "GPU-1a"] : [],
            threads: chance() ? 1 + random.index(below: 8) : nil, timeout: chance() ? duration() : nil,
            grace: duration())
    }

    private mutating func exploit() -> ExploitRule {
        switch random.index(below: 9) {
        case 0: .truncation(0.01 + 0.49 * random.unit())
        case 1: .truncation(bottom: 0.5 * (1 - random.unit()), top: 0.5)
        case 2: .binaryTournament
        case 3: .tTest(window: 2 + random.index(below: 20), significance: 0.001 + 0.9 * random.unit())
        case 4: .best
        case 5: .none
        case 6: .ray(quantile: 0.3)
        case 7: .itself
        default: .custom("mine")
        }
    }

    private mutating func explore(allowsCustom: Bool = true) -> ExploreRule {
        switch random.index(below: allowsCustom ? 8 : 7) {
        case 0: .perturb()
        case 1: .perturb(by: [0.5, 1, 2.25], resampling: random.unit())
        case 2: .perturb(from: 0.5, to: 0.5 + random.unit(), resampling: 0.25)
        case 3: .resample
        case 4: .none
        case 5: .ray(factors: [1.5, 0.5], resampling: random.unit())
        case 6: .step(deviation: 0.001 + 0.9 * random.unit(), resampling: 0.25)
        default: .custom("mine")
        }
    }

    private mutating func searchSpace() -> SearchSpace {
        var dimensions: [String: Dimension] = [:]
        for i in 0...random.index(below: 6) {
            var dimension = oneOf(NamedDimension.every).dimension
            if chance(4) { dimension = dimension.immutable() }
            if chance(4) { dimension = dimension.explored(by: explore(allowsCustom: false)) }
            if dimension.mayBeElement, chance(5) { dimension = dimension.array(length: 1 + random.index(below: 12)) }
            dimensions[oneOf(["r", "learning-rate", "block.units", "_x", "größe"]) + "\(i)"] = dimension
        }
        return SearchSpace(dimensions)
    }
}
