// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("PB2 in a file") struct PB2ReadingTests {
    private func experiment(_ extra: [String: Value]) throws -> Experiment {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": ["lr": ["log_uniform": [1e-4, 1]]],
        ]
        object.merge(extra) { $1 }
        return try Experiment(document: Document(.object(object)), directory: "/work")
    }

    private static let rules: [(Value, ExploreRule)] = [
        ("pb2", .pb2()), ("pb2_mix", .pb2Mix()), (["pb2": [:]], .pb2()),
        (["pb2_mix": ["rows": 50]], .pb2Mix(PB2(rows: 50))),
        (["pb2": ["kappa": "ray", "spread": "variance"]], .pb2(PB2(kappa: .ray, spread: .variance))),
        (["pb2": ["kappa": 0, "keep_categories": 1]], .pb2(PB2(kappa: .constant(0))).keepingCategories(1)),
    ]

    @Test(arguments: rules)
    func `is read, and written as it reads`(_ text: Value, _ rule: ExploreRule) throws {
        let experiment = try experiment(["explore": text])
        #expect(experiment.explore == rule)
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
        #expect(try self.experiment(["explore": text, "synchronous": true]).explore == rule)
    }

    @Test(
        arguments: [
            (
                ["explore": ["pb2": ["kappa": -1]]],
                "explore.pb2.kappa: must be original, ray, or a number from 0 to 100, not -1"
            ),
            (
                ["explore": ["pb2": ["kappa": "rays"]]],
                "explore.pb2.kappa: must be original, ray, or a number from 0 to 100, not \"rays\""
            ),
            (
                ["explore": ["pb2": ["spread": "sigma"]]],
                "explore.pb2.spread: must be deviation or variance, not \"sigma\""
            ),
            (["explore": ["pb2": ["rows": 5]]], "explore.pb2.rows: must be at least 10, not 5"),
            (["explore": ["pb2": ["rows": 2000]]], "explore.pb2.rows: must be at most 1000, not 2000"),
            (
                ["explore": ["pb2": ["keep_categories": 2]]],
                "explore.pb2.keep_categories: must be a probability between 0 and 1, not 2.0"
            ),
            (
                ["explore": ["pb2_mix": ["keep_categories": 0.5]]],
                "explore.pb2_mix.keep_categories: unknown key; the bandit draws categories; write it in pb2, not in pb2_mix"
            ),
            (["explore": ["pb2": [:], "resample": 0.1]], "explore.resample: cannot be combined with pb2"),
            (
                ["explore": ["pb2": ["hyperparam_bounds": [:]]]],
                "explore.pb2.hyperparam_bounds: unknown key; the bounds are those of the space"
            ),
            (
                ["explore": "pb2", "decide": "early"],
                "explore: pb2 learns from the intervals up to the same index, so it requires decide: certain or "
                    + "synchronous: true, not decide: early"
            ),
            (
                ["explore": "pb2_mix", "decide": "late"],
                "explore: pb2_mix learns from the intervals up to the same index, so it requires decide: certain or "
                    + "synchronous: true, not decide: late"
            ),
            (
                ["explore": "pb2", "open": true],
                "explore: pb2 cannot be combined with open: members that come at any time have no common index"
            ),
            (
                ["space": ["lr": ["uniform": [0, 1], "explore": "pb2"]]],
                "space.lr.explore: pb2 and pb2_mix choose all hyperparameters together: write it as the experiment's explore"
            ),
            (
                ["space": ["lr": ["uniform": [0, 1], "explore": ["pb2": [:]]]]],
                "space.lr.explore.pb2: unknown key; pb2 and pb2_mix choose all hyperparameters together: write it as the "
                    + "experiment's explore"
            ),
            (
                ["space": ["lr": ["uniform": [0, 1, 2]]]],
                "space.lr.uniform: must be two finite numbers, the lower first, not [0, 1, 2]"
            ),
            (
                ["space": ["lr": ["uniform": [2, 1]]]],
                "space.lr.uniform: needs the lower number first: [1, 2]"
            ),
        ] as [([String: Value], String)])
    func `that cannot be is refused`(_ extra: [String: Value], _ message: String) throws {
        let error = #expect(throws: DocumentError.self) { try experiment(extra) }
        #expect(error.map { "\($0.path): \($0.problem)" } == message)
    }

    @Test func `an edit of a search that learns is refused, and one into such a search; a budget is no exception`()
        async throws
    {
        let store = InMemoryStore()
        for (name, from, to) in [("a", ExploreRule.perturb(), ExploreRule.pb2()), ("b", .pb2Mix(), .perturb())] {
            var definition = try experiment(["name": .string(name)])
            definition.explore = from
            _ = try await store.create(definition)
            definition.explore = to
            let error = await #expect(throws: PBTError.self) { try await store.revise(definition) }
            #expect(error?.code == .wrongState)
            #expect(error?.message.contains("continue its best members with from: \(name)") == true)
        }
        var longer = try await store.record(of: "b").experiment
        longer.intervals += 5
        await #expect(throws: PBTError.self) { try await store.revise(longer) }
        var patient = try await store.record(of: "b").experiment
        patient.retries = 9
        #expect(try await store.revise(patient).experiment.retries == 9)
    }
}
