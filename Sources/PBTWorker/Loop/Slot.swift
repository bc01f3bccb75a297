// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import ServiceLifecycle

/// A slot of a worker, which claims and trains one interval after another.
struct Slot: Sendable {
    let worker: Worker
    let tracker: ExperimentTracker
    /// The number of the slot, from 0.
    let number: Int
    /// The thread of its trainers.
    let thread: SlotThread
    let renewer = LeaseRenewer()

    /// The policy for calls of the store, made on the slot's own thread: a thread switch costs more than a call.
    var retryPolicy: RetryPolicy { RetryPolicy(clock: worker.clock, executor: thread) }

    private enum Next {
        case train(Assignment)
        case wait
        case end
    }

    /// Trains until there is nothing more to do, the service is shut down, or the task is cancelled.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: globalConcurrentExecutor) { await keepLeases() }
            defer { tasks.cancelAll() }
            try await work()
        }
    }

    private func work() async throws {
        var setbacks = Setbacks(worker.configuration)
        var seen: Int64 = -1
        while !Task.isShuttingDownGracefully, !Task.isCancelled, tracker.health.isFit {
            switch try await worker.metrics.measure(.claim, { try await next() }) {
            case .train(let assignment):
                let setback: Setback?
                do {
                    defer { tracker.claimed(assignment.lease.experiment, -1) }
                    setback = try await train(assignment)
                }
                guard let setback else {
                    setbacks.clear()
                    continue
                }
                guard tracker.order.contains(assignment.lease.experiment) else { continue }
                guard try await bear(setback, &setbacks) else { return }
            case .wait:
                guard try await worker.metrics.measure(.idle, { try await wait(&seen) }) else { return }
            case .end:
                return
            }
        }
    }

    /// Backs off after a setback.
    ///
    /// - Returns: False if a limit is reached and the slot must end.
    private func bear(_ setback: Setback, _ setbacks: inout Setbacks) async throws -> Bool {
        if let reason = tracker.health.note(setback, in: worker.configuration) {
            tracker.health.end(because: reason)
            return false
        }
        switch setbacks.verdict(on: setback) {
        case .end(let reason):
            if tracker.health.endSlot(because: reason), configuration.slots > 1 {
                worker.logger.warning("slot \(number) ends, since \(reason)")
            }
            return false
        case .pause(let time):
            if let text = setback.warning, tracker.health.isNews(text) { worker.logger.warning("\(text)") }
            try await untilShutdown { try await worker.clock.sleep(for: time) }
            return true
        }
    }

    private var configuration: WorkerConfiguration { worker.configuration }

    /// Claims an interval from the experiment that is furthest behind and has one.
    private func next() async throws -> Next {
        let name = worker.name.description
        for experiment in tracker.order {
            do {
                let claim = try await retryPolicy.callDespiteCancellation(while: { !Task.isShuttingDownGracefully }) {
                    [store = worker.store, configuration] in
                    try await store.claim(from: experiment, by: name, for: configuration.term)
                }
                switch claim {
                case .assignment(let assignment):
                    tracker.claimed(experiment, 1)
                    return .train(assignment)
                case .nothingNow: continue
                case .over:
                    guard let assignment = try await evaluation(of: experiment) else { continue }
                    tracker.claimed(experiment, 1)
                    return .train(assignment)
                }
            } catch let error as PBTError where error.code == .noSuchExperiment {
                tracker.markOver(experiment)
            } catch let error as PBTError where Task.isShuttingDownGracefully {
                worker.logger.info("claimed nothing more", metadata: ["error": "\(error)"])
                return .end
            }
        }
        return tracker.order.isEmpty && configuration.end != .never ? .end : .wait
    }

    /// Claims an evaluation from an experiment that has ended, or marks it as over.
    ///
    /// - Returns: An assignment; nil if there is none now.
    private func evaluation(of experiment: String) async throws -> Assignment? {
        guard configuration.evaluates, let store = worker.store as? any EvaluatingStore else {
            tracker.markOver(experiment)
            return nil
        }
        let (name, term) = (worker.name.description, configuration.term)
        while true {
            let record = try await retryPolicy.call { try await store.record(of: experiment) }
            tracker.update(record)
            guard record.state.isOver, record.needsEvaluation else { return nil }
            let claim = try await retryPolicy.callDespiteCancellation(while: { !Task.isShuttingDownGracefully }) {
                try await store.claimEvaluation(from: experiment, by: name, for: term, key: nil)
            }
            switch claim {
            case .assignment(let assignment): return assignment
            case .nothingNow(let holders):
                guard try await worker.abandon(holders, of: experiment) else { return nil }
            case .over:
                tracker.markOver(experiment)
                return nil
            }
        }
    }

    /// Waits until there can be something to claim.
    ///
    /// - Parameter seen: The last event before the last check that found a waiting interval. If a claim after that got
    ///   nothing, other workers have claimed it, and there is nothing to claim before another event.
    /// - Returns: False if there is nothing more to do.
    /// - Throws: An error of the store.
    private func wait(_ seen: inout Int64) async throws -> Bool {
        let end = ContinuousClock.now.advanced(by: configuration.poll)
        // Reading costs much less than an attempt to claim, which writes; with many idle slots that matters.
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            guard let look = try await untilShutdown({ try await look() }) else { return true }
            if look.isWaiting, look.last != seen {
                seen = look.last
                return true
            }
            if tracker.order.isEmpty, configuration.end != .never { return false }
            if !look.isOpen, configuration.end == .whenIdle { return false }
            if tracker.isSweepDue(every: configuration.poll) {
                let isFreed = try await untilShutdown { try await worker.sweep(tracker) }
                if isFreed ?? true { return true }
            }
            let left = end - ContinuousClock.now
            guard left > .zero else { return true }
            try await untilShutdown {
                try await retryPolicy.call { try await worker.store.waitForEvents(after: look.last, for: left) }
                guard configuration.rest > .zero else { return }
                try await worker.clock.sleep(for: configuration.rest * Double.random(in: 0...1))
            }
        }
        return true
    }

    /// The state of the experiments.
    private struct Look: Sendable {
        /// The number of the last event before the check.
        var last: Int64
        /// True if any interval waits, runs, or waits for a late decision.
        var isOpen = false
        /// True if any interval can be claimed.
        var isWaiting = false
    }

    private func look() async throws -> Look {
        var look = Look(last: try await retryPolicy.call { try await worker.store.lastEvent() })
        if worker.configuration.experiments == .all { try await worker.refresh(tracker) }
        for experiment in tracker.order {
            do {
                let record = try await retryPolicy.call { try await worker.store.record(of: experiment) }
                tracker.update(record)
                let unfinished = (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0)
                if unfinished + record.undecided > 0 { look.isOpen = true }
                if record.hasWork { look.isWaiting = true }
                if record.state.isOver, tracker.isOpen(record) { (look.isOpen, look.isWaiting) = (true, true) }
            } catch let error as PBTError where error.code == .noSuchExperiment {
                tracker.markOver(experiment)
            }
        }
        return look
    }

    /// Runs an operation that a graceful shutdown cancels.
    ///
    /// - Returns: The result; nil if the shutdown cancelled it.
    @discardableResult
    private func untilShutdown<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        do {
            return try await cancelWhenGracefulShutdown(body)
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // The loop checks for it.
            return nil
        }
    }
}
