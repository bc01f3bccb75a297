// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting

/// A run on a store in memory by several workers whose speeds, troubles and interleaving are drawn from a seed.
struct TroubledRun {
    var experiment: Experiment
    var strategies = Strategies()
    var seed: UInt64
    var hasTroubles = true

    /// Runs to the end and returns what the store then holds.
    func finished() async throws -> (record: ExperimentRecord, intervals: [Interval]) {
        let clock = ManualClock()
        let store = InMemoryStore(clock: clock.store, strategies: strategies)
        _ = try await store.create(experiment)
        var random = RandomStream(seed: seed, .trainer, member: 0, index: 0, name: "interleaving")
        var held: [Assignment] = []
        let workers = 1 + random.index(below: 6)
        var hired = 0
        while true {
            clock.advance(by: .milliseconds(1 + random.index(below: 400)))
            let claims = held.isEmpty || (held.count < workers && random.unit() < 0.6)
            if claims {
                let claim: Claim
                do {
                    claim = try await store.claim(
                        from: experiment.name, by: "w\(held.count).\(hired)", for: .seconds(30))
                } catch let error as PBTError where error.code == .setAside && hasTroubles {
                    // Somebody else works in its place.
                    hired += 1
                    continue
                }
                switch claim {
                case .assignment(let assignment): held.append(assignment)
                case .over:
                    return try await (store.record(of: experiment.name), store.intervals(of: experiment.name))
                case .nothingNow:
                    // All leases are gone, and one is waited for: let it run out.
                    if held.isEmpty { clock.advance(by: .seconds(31)) }
                }
                continue
            }
            let assignment = held.remove(at: random.index(below: held.count))
            do {
                try await end(assignment, in: store, clock: clock, using: &random)
            } catch let error as PBTError where error.code == .leaseLost && hasTroubles {
                continue
            }
        }
    }

    private func end(
        _ assignment: Assignment, in store: InMemoryStore, clock: ManualClock, using random: inout RandomStream
    ) async throws {
        switch hasTroubles ? random.index(below: 24) : 23 {
        case 0:
            let score = random.unit() < 0.5 ? Double.nan : -.infinity
            _ = try await store.finish(
                assignment.lease,
                .trained(score: score, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)"))
        case 1...4: _ = try await store.finish(assignment.lease, .failed(reason: "trouble"))
        case 5: try await store.release(assignment.lease, because: "trouble")
        case 6: _ = try await store.abandon(worker: assignment.lease.worker, of: experiment.name, because: "trouble")
        case 7:
            // Everybody's lease runs out; this one's report comes too late, or nobody has noticed yet.
            clock.advance(by: .seconds(31))
            fallthrough
        default:
            _ = try await store.finish(
                assignment.lease,
                .trained(
                    score: score(of: assignment), metrics: [:],
                    checkpoint: "\(assignment.lease.checkpointName)"))
        }
    }

    /// A score that depends on the interval alone, coarse enough for ties.
    private func score(of assignment: Assignment) -> Double {
        let rate = assignment.interval.hyperparameters["rate"]?.double ?? 0
        let progress = Double(assignment.interval.depth) - 3 * (rate - 0.3) * (rate - 0.3)
        return (progress * 8 + Double(assignment.seed % 5)).rounded() / 8
    }
}
