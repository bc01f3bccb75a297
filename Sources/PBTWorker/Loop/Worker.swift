// SPDX-License-Identifier: Apache-2.0

public import Logging
public import PBT
public import PBTCheckpoints
public import ServiceLifecycle

/// A service that claims intervals, trains them, renews their leases, publishes their checkpoints, and records their
/// outcomes.
///
/// Any number of workers can serve one store, in any number of processes. Of several experiments, the one that is
/// furthest behind is served first.
///
/// - A graceful shutdown finishes the intervals in flight and claims no new ones.
/// - Cancellation interrupts them and releases them; no retry is counted.
/// - When a lease is lost, the training is stopped and its files are deleted.
/// - A problem unrelated to the interval (no program, device, disk space, or process) is not charged to it: the
///   interval is released, and the worker backs off. It stops with ``PBTError/Code/cannotTrain`` if the problem
///   persists, see ``WorkerConfiguration/limits``.
/// - While the store is busy or unreachable, calls are retried; a result waits without a time limit. Only at the start
///   an unreachable store is an error.
public struct Worker: Service {
    let store: any Store
    let checkpoints: any Checkpoints
    var data: DataDirectory { checkpoints.data }
    let executor: any Executor
    let configuration: WorkerConfiguration
    let name: WorkerName
    let clock: any Clock<Duration>
    let logger: Logger
    let metrics = WorkerMetrics()

    /// Creates a worker.
    ///
    /// - Parameters:
    ///   - store: The store of the experiments.
    ///   - data: The data directory of the store.
    ///   - executor: The implementation of training.
    ///   - configuration: The configuration of the worker.
    ///   - name: The name under which it claims intervals.
    ///   - clock: The clock of renewals and pauses.
    ///   - logger: The logger; if nil, nothing is logged.
    public init(
        store: any Store, data: DataDirectory, executor: any Executor, configuration: WorkerConfiguration,
        name: WorkerName = .current(), clock: any Clock<Duration> = ContinuousClock(), logger: Logger? = nil
    ) {
        self.init(
            store: store, checkpoints: data, executor: executor, configuration: configuration, name: name, clock: clock,
            logger: logger)
    }

    /// Creates a worker with any access to checkpoints.
    ///
    /// - Parameters:
    ///   - store: The store of the experiments.
    ///   - checkpoints: The access to checkpoints.
    ///   - executor: The implementation of training.
    ///   - configuration: The configuration of the worker.
    ///   - name: The name under which it claims intervals.
    ///   - clock: The clock of renewals and pauses.
    ///   - logger: The logger; if nil, nothing is logged.
    public init(
        store: any Store, checkpoints: any Checkpoints, executor: any Executor, configuration: WorkerConfiguration,
        name: WorkerName = .current(), clock: any Clock<Duration> = ContinuousClock(), logger: Logger? = nil
    ) {
        self.store = store
        self.checkpoints = checkpoints
        self.executor = executor
        self.configuration = configuration
        self.name = name
        self.clock = clock
        var logger = logger ?? Logger(label: "pbt.worker") { _ in SwiftLogNoOpLogHandler() }
        logger[metadataKey: "worker"] = "\(name)"
        self.logger = logger
    }

    /// Trains until there is nothing more to do, the service is shut down, or the task is cancelled.
    ///
    /// - Throws: A `PBTError`: `noSuchExperiment` for a name that the store does not have, `unreachable` if the store
    ///   is unreachable at the start, `cannotTrain` if the worker cannot train, `setAside` if its attempts fail where
    ///   those of others succeed, or another error of the store that is not retryable.
    public func run() async throws {
        let tracker = ExperimentTracker(evaluates: configuration.evaluates)
        do {
            try await refresh(tracker, retriesUnreachable: false)
            try await sweep(tracker)
            try await withThrowingTaskGroup(of: Void.self) { slots in
                for number in 0..<configuration.slots {
                    let thread = SlotThread(slot: number)
                    slots.addTask(executorPreference: thread) {
                        try await Slot(worker: self, tracker: tracker, number: number, thread: thread).run()
                    }
                }
                try await slots.waitForAll()
            }
        } catch is CancellationError {
            return
        }
        guard !Task.isCancelled else { return }
        do {
            try await sweep(tracker, retriesUnreachable: false)
        } catch let error as PBTError where error.code == .unreachable || error.code == .storeBusy {
            // Everything is recorded; other workers clean up.
            logger.info("could not clean up at the end", metadata: ["error": "\(error)"])
        }
        try tracker.health.check(slots: configuration.slots)
    }

    /// Reads the progress of the experiments.
    func refresh(_ tracker: ExperimentTracker, retriesUnreachable: Bool = true) async throws {
        let retryPolicy = RetryPolicy(clock: clock, retriesUnreachable: retriesUnreachable)
        switch configuration.experiments {
        case .named(let names):
            for name in names {
                tracker.update(try await retryPolicy.call { try await store.record(of: name) })
            }
        case .all:
            let known = tracker.names
            let records = try await retryPolicy.call { try await store.experiments() }
            for record in records where configuration.serves(record.experiment) { tracker.update(record) }
            for name in known where !records.contains(where: { $0.experiment.name == name }) { tracker.markOver(name) }
        }
    }
}
