// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import ServiceLifecycle

/// One of a worker's slots: claims and trains one interval after another.
struct Slot: Sendable {
    let worker: Worker
    let tracker: ExperimentTracker
    /// Its number, from 0.
    let number: Int
    /// Where its trainers run.
    let thread: SlotThread
    let renewer = LeaseRenewer()

    /// Calls are made on the slot's own thread: to another one and back costs more than a call.
    var retryPolicy: RetryPolicy { RetryPolicy(clock: worker.clock, executor: thread) }

    private enum Next {
        case train(Assignment)
        case wait
        case end
    }

    /// Works until there is nothing more to do, the service is shut down, or the task is cancelled.
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
    /// - Returns: False when it is one too many, and the slot is to end.
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

    /// Claims from the experiment that is furthest behind, or from the next one that has something.
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
                case .over: tracker.markOver(experiment)
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

    /// Waits until there may be something to claim.
    ///
    /// - Parameter seen: The last event before the last look that found something waiting: when a claim got nothing of
    ///   that, it is left to other workers, and there is nothing to claim before something more happens.
    /// - Returns: False when there is nothing more to do at all.
    /// - Throws: What the store throws.
    private func wait(_ seen: inout Int64) async throws -> Bool {
        let end = ContinuousClock.now.advanced(by: configuration.poll)
        // Reading costs much less than trying to claim, which writes: with many idle slots that counts.
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

    /// How the experiments stand.
    private struct Look: Sendable {
        /// The number of the last event before that.
        var last: Int64
        /// Whether any interval waits, runs, or waits for a late decision.
        var isOpen = false
        /// Whether any can be claimed.
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
            } catch let error as PBTError where error.code == .noSuchExperiment {
                tracker.markOver(experiment)
            }
        }
        return look
    }

    /// Does something that a graceful shutdown ends early.
    ///
    /// - Returns: What it returned; nothing when the shutdown ended it.
    @discardableResult
    private func untilShutdown<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        do {
            return try await cancelWhenGracefulShutdown(body)
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // The loop sees it.
            return nil
        }
    }
}
