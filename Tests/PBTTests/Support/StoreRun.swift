// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// Trains an experiment on a toy through a store, by workers that take turns.
struct StoreRun<T: Toy> {
    let store: InMemoryStore
    let name: String
    let toy: T
    var weights: [String: T.Weights] = [:]
    var decisions: [Decision] = []
    /// Scores to report instead of the toy's own.
    var overrides: [IntervalID: Double] = [:]

    init(_ experiment: Experiment, of toy: T, clock: ManualClock = ManualClock()) async throws {
        store = InMemoryStore(clock: clock.store)
        name = experiment.name
        self.toy = toy
        _ = try await store.create(experiment)
    }

    /// Claims for a worker; nothing when there is nothing now, or the experiment is over.
    func claim(_ worker: String = "w", for term: Duration = .seconds(60)) async throws -> Assignment? {
        if case .assignment(let assignment) = try await store.claim(from: name, by: worker, for: term) {
            assignment
        } else {
            nil
        }
    }

    /// Trains an interval and reports it.
    @discardableResult
    mutating func finish(_ assignment: Assignment) async throws -> Finished {
        var model = assignment.parentCheckpoint.flatMap { weights[$0] } ?? toy.founder(seed: assignment.seed)
        let trained = try toy.train(&model, with: assignment.interval.hyperparameters, seed: assignment.seed)
        let checkpoint = "\(assignment.lease.checkpointName)"
        weights[checkpoint] = model
        let score = overrides[assignment.interval.id] ?? trained
        let finished = try await store.finish(
            assignment.lease, .trained(score: score, metrics: ["score": .number(score)], checkpoint: checkpoint))
        decisions += finished.decisions
        for name in finished.garbage { weights[name] = nil }
        try await store.collected(finished.garbage, of: name)
        return finished
    }

    /// Trains until there is nothing to claim.
    mutating func run() async throws {
        while let assignment = try await claim() { try await finish(assignment) }
    }
}
