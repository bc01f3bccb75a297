// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// PB2 in stores: the same rows give the same choices, and an audit derives them.
@Suite("PB2 in a store") struct PB2StoreTests {
    private static let toy = NoisyQuadratic(steps: 4)

    private func definition(_ explore: ExploreRule, exploit: ExploitRule = .truncation(0.25)) -> Experiment {
        Experiment(
            "e", objective: Self.toy.objective, population: 8, intervals: 8, seed: 2,
            space: ["learning_rate": .logUniform(1e-4...2), "kind": .choice(["a", "b", "c"]), "n": .integer(1...9)],
            exploit: exploit, explore: explore)
    }

    private func tree(_ intervals: [Interval]) -> [[String]] {
        intervals.map { interval in
            [
                "\(interval.id)", "\(String(describing: interval.parent))", "\(interval.hyperparameters)",
                "\(interval.changes.map(\.value))", "\(interval.score ?? .nan)",
            ]
        }
    }

    @Test(arguments: [
        (ExploreRule.pb2(), ExploitRule.truncation(0.25)), (.pb2Mix(), .truncation(0.25)),
        (.pb2(PB2(kappa: .ray, spread: .variance, rows: 20)), .binaryTournament), (.pb2(), .best),
    ])
    func `1, 2, 4 and 8 workers give the tree of a synchronous run, row by row`(
        explore: ExploreRule, exploit: ExploitRule
    ) async throws {
        var definition = definition(explore, exploit: exploit)
        definition.isSynchronous = true
        let expected = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 3, seed: 0).run()
        #expect(expected.intervals.contains { $0.changes.contains { $0.operation == "pb2" } })
        #expect(try Audit(experiment: definition, intervals: expected.intervals).mismatches == [])
        definition.isSynchronous = false
        for (workers, slowness) in [(1, 1.0), (2, 3), (4, 1), (8, 3)] {
            let run = try await VirtualRun(
                experiment: definition, toy: Self.toy, workers: workers, seed: UInt64(workers), slowness: slowness
            ).run()
            #expect(tree(run.intervals) == tree(expected.intervals), "\(workers) workers")
            let audit = try Audit(experiment: definition, intervals: run.intervals)
            #expect(audit.mismatches == [])
            let predictions = audit.findings.compactMap(\.decision.prediction)
            #expect(!predictions.isEmpty && predictions.allSatisfy { $0.gain.isFinite && $0.deviation >= 0 })
        }
    }

    @Test func `a simulation decides like a store`() async throws {
        var definition = definition(.pb2Mix())
        definition.isSynchronous = true
        let simulated = try Simulation(definition, of: Self.toy).run()
        let stored = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 2, seed: 0).run()
        #expect(
            simulated.intervals.values.sorted { $0.id < $1.id }.map(\.hyperparameters)
                == stored.intervals.map(\.hyperparameters))
    }

    @Test func `an audit notices another value, and another score before it`() async throws {
        let definition = definition(.pb2())
        var rows = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 2, seed: 0).run().intervals
        let place = try #require(rows.firstIndex { $0.changes.contains { $0.operation == "pb2" } })
        let original = rows[place].hyperparameters
        rows[place].hyperparameters["learning_rate"] = 0.123
        let audit = try Audit(experiment: definition, intervals: rows)
        #expect(audit.mismatches.contains { $0.interval == rows[place].id && $0.problem.contains("learning_rate") })
        rows[place].hyperparameters = original
        #expect(try Audit(experiment: definition, intervals: rows).mismatches == [])
        // What it learned from.
        let learned = try #require(rows.firstIndex { $0.id.index == 1 && $0.state == .done })
        rows[learned].hyperparameters["learning_rate"] = 1.9
        #expect(try !Audit(experiment: definition, intervals: rows).mismatches.isEmpty)
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `an audit derives runs with failures and without patience`(seed: UInt64) async throws {
        var definition = definition(seed % 2 == 0 ? .pb2() : .pb2Mix())
        definition.space = ["rate": .uniform(0...1), "kind": .boolean]
        definition.patience = seed > 2 ? .zero : nil
        let run = try await TroubledRun(experiment: definition, seed: seed).finished()
        #expect(try Audit(experiment: definition, intervals: run.intervals).mismatches == [])
        #expect(run.intervals.contains { $0.changes.contains { $0.operation == "pb2" } })
    }

    @Test func `values that were pushed to founders count as trained`() async throws {
        let clock = ManualClock()
        let store = InMemoryStore(clock: clock.store)
        let definition = definition(.pb2())
        _ = try await store.create(definition)
        _ = try await store.push(["learning_rate": 1.5, "n": 9], to: "e")
        while case .assignment(let assignment) = try await store.claim(from: "e", by: "w", for: .seconds(60)) {
            clock.advance(by: .seconds(1))
            let rate = try assignment.interval.hyperparameters.double("learning_rate")
            let checkpoint = "\(assignment.lease.checkpointName)"
            _ = try await store.finish(
                assignment.lease,
                .trained(score: rate - Double(assignment.interval.depth), metrics: [:], checkpoint: checkpoint))
        }
        let intervals = try await store.intervals(of: "e")
        #expect(intervals.count == 64 && intervals[0].hyperparameters["n"] == 9)
        #expect(try Audit(experiment: definition, intervals: intervals).mismatches == [])
    }
}
