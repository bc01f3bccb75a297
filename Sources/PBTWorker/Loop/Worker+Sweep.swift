// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTCheckpoints

extension Worker {
    /// Ends the leases of dead workers on this machine, kills their processes, and deletes unreferenced checkpoints.
    ///
    /// - Returns: True if intervals were released, so that there can be something to claim.
    @discardableResult
    func sweep(_ tracker: ExperimentTracker, retriesUnreachable: Bool = true) async throws -> Bool {
        let retryPolicy = RetryPolicy(clock: clock, retriesUnreachable: retriesUnreachable)
        var isFreed = false
        for name in tracker.names {
            do {
                let record = try await retryPolicy.call { try await store.record(of: name) }
                tracker.update(record)
                if (record.counts[.running] ?? 0) > tracker.claimed(name) {
                    isFreed = try await abandonDead(name) || isFreed
                }
                guard checkpoints.collectsGarbage else { continue }
                let garbage = try await retryPolicy.call { try await store.garbage(of: name) }
                try await delete(garbage, of: name, tracker)
            } catch let error as PBTError where error.code == .noSuchExperiment {
                tracker.markOver(name)
            }
        }
        for (experiment, names) in tracker.takeDeleted() {
            try await report(names, deletedFrom: experiment)
        }
        return isFreed
    }

    /// Ends the leases of dead workers on this machine before they expire.
    private func abandonDead(_ experiment: String) async throws -> Bool {
        let retryPolicy = RetryPolicy(clock: clock)
        let running = try await retryPolicy.call { try await store.runningIntervals(of: experiment) }
        let dead = Set(running.compactMap(\.worker)).filter { WorkerName($0)?.isKnownDead == true }
        for worker in dead.sorted() {
            for interval in running where interval.worker == worker {
                try killLeftovers(of: interval, in: experiment)
            }
            let lost = try await retryPolicy.call {
                try await store.abandon(
                    worker: worker, of: experiment, because: "the process of worker \(worker) ended unexpectedly")
            }
            logger.info(
                "took back the intervals of a worker that died",
                metadata: [
                    "experiment": "\(experiment)", "dead": "\(worker)",
                    "intervals": .array(lost.map { "\($0)" }),
                ])
        }
        return !dead.isEmpty
    }

    /// Ends the leases that dead workers on this machine have on evaluations.
    ///
    /// - Parameters:
    ///   - holders: The workers that have leases.
    ///   - experiment: The experiment.
    /// - Returns: True if one of them is dead.
    /// - Throws: An error of the store.
    func abandon(_ holders: [String], of experiment: String) async throws -> Bool {
        let dead = holders.filter { WorkerName($0)?.isKnownDead == true }
        for worker in dead {
            _ = try await RetryPolicy(clock: clock).call {
                try await store.abandon(
                    worker: worker, of: experiment, because: "the process of worker \(worker) ended unexpectedly")
            }
            logger.info(
                "took back the evaluations of a worker that died",
                metadata: ["experiment": "\(experiment)", "dead": "\(worker)"])
        }
        return !dead.isEmpty
    }

    private func killLeftovers(of interval: Interval, in experiment: String) throws {
        do {
            try checkpoints.data.killLeftovers(of: interval.id, attempts: interval.attempts, of: experiment)
        } catch let error as PBTError where error.code == .inputOutput {
            // The next attempt tries again.
            logger.info("could not clear an attempt", metadata: ["error": "\(error)"])
        }
    }

    /// Deletes checkpoints, and reports them to the store in batches.
    func delete(_ garbage: [String], of experiment: String, _ tracker: ExperimentTracker) async throws {
        guard !garbage.isEmpty, checkpoints.collectsGarbage else { return }
        var gone: [String] = []
        for name in garbage {
            do {
                try checkpoints.delete([name], of: experiment)
                gone.append(name)
            } catch let error as PBTError where error.code == .inputOutput {
                // It stays garbage in the store, and the next sweep tries again.
                logger.info("could not delete a checkpoint", metadata: ["checkpoint": "\(name)", "error": "\(error)"])
            }
        }
        guard !gone.isEmpty else { return }
        try await report(tracker.deleted(gone, of: experiment), deletedFrom: experiment)
    }

    private func report(_ names: [String], deletedFrom experiment: String) async throws {
        guard !names.isEmpty else { return }
        do {
            try await RetryPolicy(clock: clock).callDespiteCancellation { [store] in
                try await store.collected(names, of: experiment)
            }
        } catch let error as PBTError where error.code == .noSuchExperiment {
            // The experiment was removed with its files.
        }
    }
}
