// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTCheckpoints

extension Slot {
    /// The outcome of an attempt before it is recorded.
    private enum AttemptResult: Sendable {
        case outcome(Outcome)
        case interrupted(reason: String)
        case unable(WorkerProblem)
    }

    /// Trains one interval and records its outcome.
    ///
    /// - Returns: A setback; nil after a success, or if the worker is being stopped.
    func train(_ assignment: Assignment) async throws -> Setback? {
        let lease = assignment.lease
        try await worker.delete(assignment.garbage, of: lease.experiment, tracker)
        let (attempt, result, isLost) = await trained(assignment)
        if isLost {
            worker.metrics.count(.lost)
            log("lost the lease of an interval and stopped its training", lease)
            discard(attempt)
            if case .outcome(let outcome) = result { try await unpublish(outcome, of: lease) }
            return nil
        }
        switch result {
        case .interrupted(let reason):
            discard(attempt)
            try await release(lease, because: reason)
            return Task.isCancelled ? nil : .returned(reason: reason)
        case .unable(let problem):
            discard(attempt)
            try await release(lease, because: problem.reason)
            return Task.isCancelled ? nil : .unable(problem)
        case .outcome(let outcome):
            if case .trained(_, _, .some) = outcome {
                // The files are published.
            } else {
                discard(attempt)
            }
            try await record(outcome, for: lease)
            if case .failed(let reason) = outcome {
                // A failed evaluation says nothing about this worker that its trainings did not.
                if lease.evaluation != nil { return nil }
                return .failed(reason: reason, interval: lease.interval, of: lease.experiment)
            }
            tracker.health.succeeded()
            return nil
        }
    }

    /// Runs an attempt and publishes its checkpoint while the lease is renewed.
    private func trained(_ assignment: Assignment) async -> (attempt: Attempt?, result: AttemptResult, isLost: Bool) {
        let training = Task(executorPreference: thread) { await execute(assignment) }
        renewer.hold(assignment.lease) { training.cancel() }
        let (attempt, result) = await withTaskCancellationHandler {
            await training.value
        } onCancel: {
            training.cancel()
        }
        return (attempt, result, renewer.drop())
    }

    private func execute(_ assignment: Assignment) async -> (attempt: Attempt?, result: AttemptResult) {
        do {
            let attempt = try await worker.metrics.measure(.begin) {
                try await retryPolicy.call {
                    try worker.checkpoints.data.killLeftovers(of: assignment.lease)
                    return try await worker.checkpoints.begin(assignment, slot: number)
                }
            }
            return (attempt, await execute(attempt))
        } catch {
            return (nil, Self.result(of: error, WorkerProblem(setup: error)))
        }
    }

    private func execute(_ attempt: Attempt) async -> AttemptResult {
        let end = await worker.metrics.measure(.train, { await worker.executor.run(attempt) })
        switch ParentGuard(attempt).judged(end) {
        case .interrupted(let reason):
            return .interrupted(reason: reason)
        case .unable(let problem):
            return .unable(problem)
        case .failed(let reason):
            // A program that cannot write often cannot report it either.
            guard let full = FileSystem.fullDisk(worker.checkpoints.data.root) else {
                return .outcome(.failed(reason: reason))
            }
            return .unable(WorkerProblem("\(reason); \(full)", isTransient: true))
        case .trained(let score, let metrics):
            // No member continues from a diverged model, and an evaluation changes none.
            guard score.isFinite, attempt.assignment.lease.evaluation == nil else {
                return .outcome(.trained(score: score, metrics: metrics, checkpoint: nil))
            }
            do {
                if attempt.assignment.experiment.intervals > 1, try FileSystem.names(in: attempt.checkpoint).isEmpty {
                    warnOfEmptyCheckpoint(attempt.assignment.experiment)
                }
                let name = try await worker.metrics.measure(.publish) {
                    try await retryPolicy.call { try await worker.checkpoints.publish(attempt) }
                }
                return .outcome(.trained(score: score, metrics: metrics, checkpoint: name))
            } catch {
                return Self.result(of: error, WorkerProblem(resource: error) ?? WorkerProblem(ofServer: error))
            }
        }
    }

    /// Warns once for each experiment that its program saves nothing.
    private func warnOfEmptyCheckpoint(_ experiment: Experiment) {
        let text = Warnings.emptyCheckpoint(of: experiment)
        if tracker.health.isNews(text) { worker.logger.warning("\(text)") }
    }

    /// Returns the result of an attempt that could not start, or whose checkpoint could not be published.
    private static func result(of error: any Error, _ problem: WorkerProblem?) -> AttemptResult {
        if error is CancellationError { return .interrupted(reason: "the worker was stopped") }
        return problem.map { .unable($0) } ?? .outcome(.failed(reason: "\(error)"))
    }

    /// Renews the leases of the slot until the task is cancelled.
    ///
    /// Between renewals it checks if the experiment was stopped, which revokes the leases.
    func keepLeases() async {
        let term = worker.configuration.term
        let step = min(term / 3, worker.configuration.poll)
        while true {
            do {
                try await worker.clock.sleep(for: step)
            } catch {
                return
            }
            guard let (lease, sinceRenewal) = renewer.pass(step) else { continue }
            do {
                if sinceRenewal < term / 3 {
                    // A search that has ended has revoked its leases.
                    guard lease.evaluation == nil,
                        try await worker.store.record(of: lease.experiment).state.isOver
                    else { continue }
                }
                _ = try await worker.store.renew(lease, for: term)
                renewer.renewed(lease)
            } catch let error as PBTError where error.code == .leaseLost || error.code == .noSuchExperiment {
                renewer.lose(lease)
            } catch {
                if Task.isCancelled { return }
                // The store is busy or unreachable. The lease can still be valid when it is back, so retry.
                log("could not renew a lease", lease, error)
            }
        }
    }

    /// Records the outcome of an attempt, and deletes the checkpoints that it makes unreferenced.
    private func record(_ outcome: Outcome, for lease: Lease) async throws {
        let finished: Finished
        do {
            finished = try await worker.metrics.measure(.finish) {
                try await retryPolicy.callDespiteCancellation(toleratingFailures: 10) { [store = worker.store] in
                    try await store.finish(lease, outcome)
                }
            }
        } catch let error as PBTError where error.code == .leaseLost || error.code == .noSuchExperiment {
            worker.metrics.count(.lost)
            log("lost the lease of an interval that was trained", lease, error)
            try await unpublish(outcome, of: lease)
            return
        }
        tracker.update(finished.record)
        if let number = lease.evaluation {
            worker.logger.debug(
                "finished an evaluation", metadata: metadata(lease).merging(["evaluation": "\(number)"]) { $1 })
            return
        }
        switch finished.interval.state {
        case .done: worker.metrics.count(.done)
        case .diverged: worker.metrics.count(.diverged)
        default: worker.metrics.count(.failed)
        }
        log("finished an interval", lease, state: finished.interval.state)
        try await worker.delete(finished.garbage, of: lease.experiment, tracker)
    }

    /// Deletes a checkpoint that was published under a lost lease.
    private func unpublish(_ outcome: Outcome, of lease: Lease) async throws {
        guard case .trained(_, _, .some(let checkpoint)) = outcome else { return }
        do {
            // After a lost response the lease looks lost too, but the interval references the checkpoint.
            let interval = try await retryPolicy.call {
                try await worker.store.interval(lease.interval, of: lease.experiment)
            }
            guard interval.checkpoint != checkpoint else { return }
        } catch let error as PBTError where error.code == .noSuchExperiment || error.code == .noSuchInterval {
            // Nothing references it.
        }
        do {
            try worker.checkpoints.delete([checkpoint], of: lease.experiment)
        } catch let error as PBTError where error.code == .inputOutput {
            log("could not delete an unreferenced checkpoint", lease, error)
        }
    }

    private func release(_ lease: Lease, because reason: String) async throws {
        do {
            try await retryPolicy.callDespiteCancellation(toleratingFailures: 10) { [store = worker.store] in
                try await store.release(lease, because: reason)
            }
            worker.metrics.count(.released)
            log("gave an interval back", lease)
        } catch let error as PBTError where error.code == .leaseLost || error.code == .noSuchExperiment {
            worker.metrics.count(.lost)
            log("lost the lease of an interval that was to be given back", lease, error)
        }
    }

    private func discard(_ attempt: Attempt?) {
        guard let attempt else { return }
        do {
            try worker.checkpoints.discard(attempt)
        } catch {
            // The next attempt, or pbt gc, deletes them.
            log("could not delete the files of an attempt", attempt.assignment.lease, error)
        }
    }

    private func log(_ text: Logger.Message, _ lease: Lease, state: Interval.State) {
        worker.logger.debug(text, metadata: metadata(lease).merging(["state": "\(state.rawValue)"]) { $1 })
    }

    private func log(_ text: Logger.Message, _ lease: Lease, _ error: (any Error)? = nil) {
        var metadata = metadata(lease)
        metadata["error"] = error.map { "\($0)" }
        worker.logger.info(text, metadata: metadata)
    }

    private func metadata(_ lease: Lease) -> Logger.Metadata {
        ["experiment": "\(lease.experiment)", "interval": "\(lease.interval)", "attempt": "\(lease.attempt)"]
    }
}
