// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// Definitions put together in Swift.
@Suite("Definitions in Swift") struct DefinitionInSwiftTests {
    @Test func `initial hyperparameters take the space's types`() {
        let experiment = Experiment(
            "x", objective: .maximize("m"), population: 2, intervals: 1,
            space: ["rate": .uniform(0...1), "size": .choice([32, 64]), "layers": .integer(1...8)],
            initial: [["rate": 1, "size": 32.0, "layers": 2.0]])
        #expect(experiment.founder(0) == ["rate": 1.0, "size": 32, "layers": 2])
        #expect(experiment.founder(1) == experiment.space.sample(seed: 0, member: 1, index: 0))
    }

    @Test func `what initial leaves out is sampled as it would have been`() {
        let space: SearchSpace = ["a": .uniform(0...1), "b": .uniform(0...1)]
        var experiment = Experiment.sample(space: space)
        let sampled = experiment.founder(0)
        experiment.initial = [["b": 0.5]]
        #expect(experiment.founder(0) == ["a": sampled["a"] ?? .null, "b": 0.5])
    }

    private static func with(_ change: @Sendable (inout Experiment) -> Void) -> Experiment {
        var experiment = Experiment.sample(population: 4)
        change(&experiment)
        return experiment
    }

    @Test(arguments: [
        (
            with { $0.explore = .perturb(by: []) },
            "explore.perturb: must be a list of factors above 0, for example [0.8, 1.25], not []"
        ),
        (
            with { $0.explore = .perturb(from: 0, to: 1) },
            "explore.perturb.uniform: must be two factors above 0, the lower first, not [0.0, 1.0]"
        ),
        (
            with { $0.exploit = .truncation(0.9) },
            "exploit.truncation: must be above 0 and at most 0.5, a fraction of the population, not 0.9"
        ),
        (with { $0.exploit = .tTest(window: 1) }, "exploit.t_test.window: must be at least 2, not 1"),
        (
            with { $0.space = [:] },
            "space: must have at least one hyperparameter, for example learning_rate: {log_uniform: [1e-5, 1]}"
        ),
        (
            with { $0.space = ["a": .choice([1, 2], weights: [1])] },
            "space.a.weights: must be 2 numbers of at least 0, one for each value, not all 0"
        ),
        (with { $0.space = ["a": .logUniform(0...1)] }, "space.a.bounds: must be above 0 for log_uniform"),
        (with { $0.space = ["a": .integer(0...Int.max)] }, "space.a.integer: must stay within ±2^53"),
        (
            with { $0.space = ["a": .uniform(0...1).explored(by: .custom("mine"))] },
            "space.a.explore.custom: unknown key; a strategy in Swift belongs in the experiment's explore"
        ),
        (
            with { $0.space = ["member": .uniform(0...1)] },
            "space.member: {member} is a reserved placeholder of commands; choose another name"
        ),
        (
            with { $0.initial = [["rat": 1]] },
            #"initial[0]: there is no hyperparameter "rat" in the space; did you mean "rate"?"#
        ),
        (with { $0.keep.best = 0 }, "keep.best: must be at least 1, not 0"),
        (with { $0.kind = .replay([]) }, "schedule: must be a list of 10 objects, one an interval"),
        (
            with { $0.trainer = .init(command: [], directory: "/") },
            #"command: must name a program, for example [python3, train.py, "{args}"]"#
        ),
    ])
    func `a store refuses what no file could say`(experiment: Experiment, problem: String) async throws {
        let store = InMemoryStore(strategies: Strategies(explore: ["mine": KeepsOwn()]))
        await #expect(
            throws: PBTError(.badExperiment, #"the definition of experiment "sample" is invalid: \#(problem)"#)
        ) {
            try await store.create(experiment)
        }
        #expect(try await store.experiments().isEmpty)
    }

    @Test func `a store takes every definition that a file can say`() async throws {
        let strategies = Strategies(exploit: ["mine": NeverExploits()], explore: ["mine": KeepsOwn()])
        for number in 0..<200 {
            let store = InMemoryStore(strategies: strategies)
            var generator = ExperimentGenerator(number)
            let experiment = generator.experiment()
            let record = try await store.create(experiment)
            #expect(record.experiment == experiment)
            #expect(try await store.intervals(of: experiment.name).count == experiment.population)
        }
    }
}

/// The simulation that the reference problems run on does what a store does.
@Suite("Simulation and store") struct SimulationTests {
    @Test(
        arguments: [ExploitRule.truncation(), .binaryTournament, .tTest(window: 3, significance: 0.3), .best],
        [false, true])
    func `the same experiment is the same run, bit for bit`(rule: ExploitRule, isSynchronous: Bool) async throws {
        for seed: UInt64 in 0..<3 {
            let experiment = Experiment.sample(
                goal: .minimize, population: 8, intervals: 8, seed: seed, space: NoisyQuadratic.space, exploit: rule,
                synchronous: isSynchronous)
            let toy = NoisyQuadratic(dimensions: 4, steps: 5)
            let simulated = try Simulation(experiment, of: toy).run()
            var stored = try await StoreRun(experiment, of: toy)
            try await stored.run()
            let intervals = try await stored.store.intervals(of: "sample")
            #expect(intervals.count == simulated.intervals.count)
            for interval in intervals {
                let twin = try #require(simulated.intervals[interval.id])
                #expect(interval.score == twin.score && interval.hyperparameters == twin.hyperparameters)
                #expect(
                    interval.parent == twin.parent && interval.changes == twin.changes && interval.depth == twin.depth)
            }
            #expect(stored.decisions.map(\.outcome) == simulated.decisions.map(\.outcome))
            let record = try await stored.store.record(of: "sample")
            #expect(record.best == simulated.best?.id && record.bestScore == simulated.best?.score)
        }
    }
}
