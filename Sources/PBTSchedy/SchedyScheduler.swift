// SPDX-License-Identifier: Apache-2.0

import PBT

/// A scheduler in Schedy's format, `{"PBT": {…}}`, and the experiment that it corresponds to.
struct SchedyScheduler: Sendable, Hashable {
    enum Kind: String, Sendable, CaseIterable {
        case manual = "Manual"
        case randomSearch = "RandomSearch"
        case populationBasedTraining = "PBT"
    }

    let kind: Kind
    /// The scheduler as the client sent it.
    let value: Value
    /// The distributions of founders, and the explore rules.
    private(set) var space: SearchSpace = [:]
    /// The objective; nil if the client has defined none.
    private(set) var objective: Objective?
    private(set) var truncation = 0.2
    /// The number of initial jobs that are sampled; nil for no limit.
    private(set) var initialJobs: Int?
    /// The number of successive jobs of a member; nil for no limit.
    private(set) var generations: Int?
    /// A Boolean value indicating whether initial jobs can be sampled.
    private(set) var samples = false

    /// Parses a scheduler.
    ///
    /// - Throws: A ``SchedyFailure`` with status 400.
    init(_ value: Value?) throws(SchedyFailure) {
        guard let value, let object = value.object, object.count == 1, let (name, parameters) = object.first else {
            throw SchedyFailure(400, "\"scheduler\" must be an object with one key: Manual, RandomSearch or PBT")
        }
        guard let kind = Kind(rawValue: name) else {
            throw SchedyFailure(400, "unknown scheduler \"\(name.prefix(40))\"; known: Manual, RandomSearch, PBT")
        }
        self.kind = kind
        self.value = value
        switch kind {
        case .manual: break
        case .randomSearch:
            guard let distributions = parameters.object else {
                throw SchedyFailure(400, "RandomSearch must hold an object of hyperparameters and distributions")
            }
            samples = true
            space = try Self.space(drawn: distributions, explored: [:])
        case .populationBasedTraining: try readPopulation(parameters)
        }
    }

    private mutating func readPopulation(_ parameters: Value) throws(SchedyFailure) {
        guard let metric = parameters["qualityResultName"]?.string, !metric.isEmpty else {
            throw SchedyFailure(400, "PBT: \"qualityResultName\" must be the name of a result")
        }
        switch parameters["objective"] {
        case .string("min"): objective = .minimize(metric)
        case .string("max"): objective = .maximize(metric)
        default: throw SchedyFailure(400, "PBT: \"objective\" must be \"min\" or \"max\"")
        }
        guard let exploit = parameters["exploit"]?.object, exploit.count == 1,
            let fraction = exploit["truncate"]?.double, fraction > 0, fraction <= 0.5
        else {
            throw SchedyFailure(400, "PBT: \"exploit\" must be {\"truncate\": P} with P above 0 and at most 0.5")
        }
        truncation = fraction
        initialJobs = try Self.count(parameters["numParallel"], "numParallel")
        generations = try Self.count(parameters["maxGenerations"], "maxGenerations")
        if generations == nil { generations = try Self.count(parameters["max_generations"], "max_generations") }
        let drawn = try Self.object(parameters["init"], "init")
        samples = !drawn.isEmpty
        space = try Self.space(drawn: drawn, explored: Self.object(parameters["explore"], "explore"))
    }

    private static func object(_ value: Value?, _ name: String) throws(SchedyFailure) -> [String: Value] {
        guard let value, value != .null else { return [:] }
        guard let object = value.object else {
            throw SchedyFailure(400, "PBT: \"\(name)\" must be an object with a key for each hyperparameter")
        }
        return object
    }

    private static func count(_ value: Value?, _ name: String) throws(SchedyFailure) -> Int? {
        guard let value, value != .null else { return nil }
        guard let count = value.int, (1...Experiment.withoutLimit).contains(count) else {
            throw SchedyFailure(400, "PBT: \"\(name)\" must be an integer from 1 to \(Experiment.withoutLimit)")
        }
        return count
    }

    private static func space(
        drawn: [String: Value], explored: [String: Value]
    ) throws(SchedyFailure) -> SearchSpace {
        var dimensions: [String: Dimension] = [:]
        for (name, distribution) in drawn {
            dimensions[name] = .free(try SchedyDistribution.read(distribution, of: name))
        }
        for (name, rule) in explored {
            guard let object = rule.object, object.count == 1, let perturb = object["perturb"],
                let low = perturb["minFactor"]?.double, let high = perturb["maxFactor"]?.double,
                low > 0, low <= high, high.isFinite
            else {
                throw SchedyFailure(
                    400,
                    "explore \"\(name.prefix(30))\": must be {\"perturb\": {\"minFactor\": A, \"maxFactor\": B}}, 0 < A <= B"
                )
            }
            dimensions[name] = (dimensions[name] ?? .free()).explored(by: .perturb(from: low, to: high))
        }
        return SearchSpace(dimensions)
    }

    /// Returns the experiment without members, which are added as jobs are requested.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - seed: The seed of every draw.
    /// - Returns: An open experiment.
    func experiment(named name: String, seed: UInt64) -> Experiment {
        let isPopulation = kind == .populationBasedTraining
        return Experiment(
            name, kind: isPopulation ? .populationBasedTraining : kind == .manual ? .manual : .randomSearch,
            objective: objective ?? .undeclared, population: 0,
            intervals: isPopulation ? generations ?? Experiment.withoutLimit : 1, seed: seed, space: space,
            exploit: isPopulation ? .truncation(truncation) : .none, explore: .none,
            decides: isPopulation ? .late : .early, isOpen: true)
    }

    /// The scheduler in responses: as the client sent it, with the limit of generations under both of its names.
    var response: Value {
        guard kind == .populationBasedTraining, let generations, var parameters = value[kind.rawValue]?.object else {
            return value
        }
        parameters["maxGenerations"] = .integer(generations)
        parameters["max_generations"] = .integer(generations)
        return .object([kind.rawValue: .object(parameters)])
    }

    /// Checks the hyperparameters of a job that a client adds.
    ///
    /// - Throws: A ``SchedyFailure`` with status 400.
    func check(_ hyperparameters: [String: Value]) throws(SchedyFailure) {
        switch kind {
        case .manual: return
        case .randomSearch:
            guard Set(hyperparameters.keys) != Set(space.names) else { return }
            throw SchedyFailure(400, "the job must have exactly these hyperparameters: \(space.names.quotedList)")
        case .populationBasedTraining:
            let missing = space.missingExplored(in: hyperparameters)
            guard !missing.isEmpty else { return }
            throw SchedyFailure(
                400, "the job lacks \(missing.quotedList): it must have every hyperparameter that is explored")
        }
    }
}
