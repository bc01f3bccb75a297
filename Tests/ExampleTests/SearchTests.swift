// SPDX-License-Identifier: Apache-2.0

import ExampleModels
import PBT
import PBTCheckpoints
import PBTTesting
import PBTWorker
import SystemPackage
import Testing

/// Whole searches with the examples' trainers.
@Suite(.timeLimit(.minutes(10))) struct `A search with an example trainer` {
    @Test(arguments: [1, 3])
    func `beats the scores of its founders, with any number of workers the same`(workers: Int) async throws {
        let work = try NoisyDigits(samplesAnInterval: 96)
        let (record, intervals, test) = try await search(with: work, seed: 1, workers: workers)
        #expect(record.state == .finished)
        #expect(record.counts[.done] == 36)
        let founders = intervals.filter { $0.parent == nil }.compactMap(\.score)
        let best = try #require(record.bestScore)
        #expect(founders.count == 6)
        #expect(founders.allSatisfy { best < 0.8 * $0 }, "\(best) beside \(founders)")
        #expect(intervals.contains { $0.isExploit })
        #expect(try #require(test["accuracy"]?.double) > 0.5)

        let (_, once, _) = try await search(with: work, seed: 1, workers: 2)
        #expect(once.map(\.score) == intervals.map(\.score))
        #expect(once.map(\.parent) == intervals.map(\.parent))
        #expect(once.map(\.hyperparameters) == intervals.map(\.hyperparameters))
    }

    @Test func `gets below a random search with the same founders on the noisy quadratic`() async throws {
        let work = NoisyQuadratic()
        let (pbt, intervals, test) = try await search(with: work, seed: 2, workers: 2)
        let (random, others, _) = try await search(
            with: work, try #require(randomSearch(beside: work, seed: 2)), workers: 2)
        let (best, rival) = (try #require(pbt.bestScore), try #require(random.bestScore))
        #expect(best < rival)
        #expect(test.isEmpty)
        let founders = intervals.filter { $0.id.index == 0 }.map(\.score)
        #expect(founders == others.filter { $0.id.index == 0 }.map(\.score))
        let schedule = Genealogy(intervals).schedule(of: try #require(pbt.best))
        #expect(Set(schedule.map(\.hyperparameters)).count > 1, "the rate changes along the winner's lineage")
    }

    // MARK: What the tests use

    private func randomSearch(beside work: some Workload, seed: UInt64) -> Experiment? {
        var experiment = work.experiment(seed: seed, isShort: true)
        experiment.hasBaseline = true
        return experiment.baseline
    }

    private func search(
        with work: some Workload, seed: UInt64, workers: Int
    ) async throws -> (ExperimentRecord, [Interval], [String: Value]) {
        try await search(with: work, work.experiment(seed: seed, isShort: true), workers: workers)
    }

    private func search(
        with work: some Workload, _ experiment: Experiment, workers: Int
    ) async throws -> (ExperimentRecord, [Interval], [String: Value]) {
        try await withTemporaryDirectory { directory in
            let store = InMemoryStore()
            let trained = try await train(
                experiment, with: work, workers: workers, store: store, data: DataDirectory(FilePath(directory)))
            let checkpoint = try #require(trained.checkpoint)
            return (trained.record, try await store.intervals(of: experiment.name), try work.test(checkpoint))
        }
    }
}
