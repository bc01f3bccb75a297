// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// The rules of a definition that names none, and those that it keeps in a store.
@Suite("Default rules") struct DefaultRuleTests {
    private func experiment(
        population: Int = 8, _ extra: [String: Value] = [:], isStored: Bool = false
    ) throws -> Experiment {
        let object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "max"], "population": .integer(population),
            "intervals": 3, "space": ["lr": ["log_uniform": [1e-4, 1]], "momentum": ["uniform": [0.5, 0.99]]],
        ]
        return try Experiment(
            document: Document(.object(object.merging(extra) { $1 })), directory: "/", isStored: isStored)
    }

    @Test(arguments: [(6, 2), (11, 2), (12, 3), (100, 3)])
    func `are a portfolio of two sub-populations from 6 members on, of three from 12`(
        _ population: Int, _ count: Int
    ) throws {
        let experiment = try experiment(population: population)
        #expect(experiment.exploit == .portfolio(forPopulation: population))
        #expect(experiment.exploit.subPopulations.count == count)
        #expect(experiment.exploit.subPopulations.allSatisfy { $0.explore != nil })
        let inSwift = Experiment(
            "x", objective: .maximize("m"), population: population, intervals: 3, space: experiment.space)
        #expect(inSwift == experiment)
    }

    @Test(
        arguments: [
            ["population": 5], ["decide": "early"], ["decide": "late"], ["open": true], ["explore": "pb2"],
            ["preset": "paper"], ["kind": "manual"],
        ] as [[String: Value]])
    func `are truncation where sub-populations cannot exchange`(_ extra: [String: Value]) throws {
        let experiment = try experiment(extra)
        #expect(experiment.kind == .manual ? experiment.exploit == .none : experiment.exploit == .truncation(0.2))
    }

    @Test func `leave explore to a definition that names one`() throws {
        let experiment = try experiment(["explore": ["perturb": [0.9, 1.1]], "synchronous": true])
        #expect(experiment.exploit == .multiFrequency(every: [1, 5]))
        #expect(experiment.exploit.subPopulations.allSatisfy { $0.explore == nil })
        #expect(experiment.explore == .perturb(by: [0.9, 1.1]))
    }

    @Test func `are written only if they are named, and always named in a store`() async throws {
        let unnamed = try experiment(["exploit": ["burn_in": 2]])
        #expect(unnamed.value.object?["exploit"] == ["burn_in": 2])
        #expect(unnamed.value.object?["explore"] == nil)
        #expect(try Experiment(document: Document(unnamed.value), directory: "/") == unnamed)
        let store = InMemoryStore()
        let stored = try await store.create(unnamed).experiment
        #expect(stored == unnamed)
        #expect(stored.namesExploit && stored.namesExplore && stored.namesTiming)
        #expect(try Experiment(document: Document(stored.value), directory: "/", isStored: true) == unnamed)
    }

    @Test func `never change those of an experiment that exists`() throws {
        let old = try experiment(
            ["exploit": ["truncation": 0.2], "explore": ["perturb": [0.8, 1.25]]], isStored: true)
        let file = try experiment()
        #expect(file.exploit != old.exploit)
        #expect(file.withDefaults(of: old) == old)
        #expect(file.conflicts(with: old) == [])
        let named = try experiment(["exploit": "binary_tournament"])
        #expect(named.conflicts(with: old) == ["exploit"])
    }

    @Test func `can be set again in Swift`() throws {
        var experiment = try experiment(["exploit": "best", "explore": "resample"])
        experiment.explore = .default
        experiment.exploit = .default
        #expect(try experiment == self.experiment())
        experiment.decides = .early
        experiment.exploit = .default
        #expect(experiment.exploit == .truncation())
    }

    /// Between 0.5 and 0.99 most factors of 0.5 and 2 lead to a bound; between 0.0001 and 1 few do.
    @Test func `step where factors do not suit a range`() throws {
        let space = try experiment().space
        let rule = try #require(ExploitRule.portfolio(forPopulation: 8).subPopulations[0].explore)
        var operations: [String: Set<String>] = [:]
        for member in 0..<100 {
            for name in space.names {
                let dimension = try #require(space[name])
                var random = RandomStream(seed: 1, .explore, member: member, index: 1)
                let explored = dimension.explored(from: .number(0.7), by: rule, using: &random)
                operations[name, default: []].insert(explored.operation)
            }
        }
        #expect(operations == ["lr": ["×0.5", "×2"], "momentum": ["+15% of range", "-15% of range"]])
    }

    @Test(
        arguments: [
            (["uniform": [0.1, 1]], "×"), (["uniform": [0, 1]], "×"), (["uniform": [0.2, 1]], "% of range"),
            (["log_uniform": [0.25, 1]], "×"), (["log_uniform": [0.4, 1]], "% of range"),
            (["reverse_log_uniform": [0.9, 0.99]], "×"), (["reverse_log_uniform": [0.9, 0.95]], "% of range"),
            (["integer": [1, 8]], "×"), (["integer": [4, 8]], "% of range"), (["uniform": [-1, 1]], "×"),
            (["uniform": [0.9, 1.1], "bounds": [0.0001, 1.1]], "×"), (["normal": [1, 1]], "×"),
        ] as [(Value, String)])
    func `count a range as narrow if a factor would move three fifths of it onto a bound`(
        _ dimension: Value, _ operation: String
    ) throws {
        let space = try experiment(["space": ["x": dimension]]).space
        let rule = ExploreRule.perturb(by: [0.5, 2]).steppingWhereNarrow(by: 0.1)
        var random = RandomStream(seed: 1, .explore, member: 0, index: 1)
        let donor = space.sample(seed: 1, member: 0, index: 0)["x"] ?? .null
        let explored = try #require(space["x"]).explored(from: donor, by: rule, using: &random)
        #expect(explored.operation.contains(operation), "\(explored)")
    }

    @Test func `narrow_step is read and written, and needs factors and a share`() throws {
        let explore: Value = ["perturb": [0.5, 2], "narrow_step": 0.15]
        let experiment = try experiment(["explore": explore])
        #expect(experiment.explore == .perturb(by: [0.5, 2]).steppingWhereNarrow(by: 0.15))
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
        for (wrong, problem) in [
            (["perturb": [0.5, 2], "narrow_step": 0], "must be a share of the range above 0 and at most 1, not 0"),
            (
                ["perturb": [0.5, 2], "narrow_step": 1.5], "must be a share of the range above 0 and at most 1, not 1.5"
            ),
            (["step": 0.1, "narrow_step": 0.1], "requires perturb"),
        ] as [(Value, String)] {
            let error = #expect(throws: DocumentError.self) { try self.experiment(["explore": wrong]) }
            #expect(error?.problem == problem)
            #expect(error?.path == "explore.narrow_step")
        }
    }
}
