// SPDX-License-Identifier: Apache-2.0

public import Logging
public import PBT
public import PBTCheckpoints
public import ServiceLifecycle

/// Claims intervals, trains them, keeps their leases, publishes their checkpoints, and records how they ended.
///
/// Any number of workers may serve one store, in any number of processes. Of several experiments, the one that is
/// furthest behind is served first.
///
/// - A graceful shutdown finishes the intervals in flight and claims nothing new.
/// - Cancellation interrupts them and gives them back; no retry is counted.
/// - When a lease is lost, the training is stopped and its files are deleted.
/// - What says nothing about the interval (no program, device, space or process) is not charged to it: the interval is
///   released, and the worker backs off. It stops with ``PBTError/Code/cannotTrain`` when that lasts, see
///   ``WorkerConfiguration/limits``.
/// - While the store is busy or away, calls are made again; a result that was trained waits as long as that takes. Only
///   at the start a store that is away is an error.
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

    /// A worker.
    ///
    /// - Parameters:
    ///   - store: Where the experiments are.
    ///   - data: Where their files are.
    ///   - executor: What trains an interval.
    ///   - configuration: Which experiments, how many at a time, and how long.
    ///   - name: The name under which it claims.
    ///   - clock: What renewals and pauses go by.
    ///   - logger: Where it logs; nowhere when not given.
    public init(
        store: any Store, data: DataDirectory, executor: any Executor, configuration: WorkerConfiguration,
        name: WorkerName = .current(), clock: any Clock<Duration> = ContinuousClock(), logger: Logger? = nil
    ) {
        self.init(
            store: store, checkpoints: data, executor: executor, configuration: configuration, name: name, clock: clock,
            logger: logger)
    }

    /// A worker whose checkpoints may be elsewhere.
    ///
    /// - Parameters:
    ///   - store: Where the experiments are.
    ///   - checkpoints: Where their checkpoints come from and go to.
    ///   - executor: What trains an interval.
    ///   - configuration: Which experiments, how many at a time, and how long.
    ///   - name: The name under which it claims.
    ///   - clock: What renewals and pauses go by.
    ///   - logger: Where it logs; nowhere when not given.
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

    /// Works until there is nothing more to do, the service is shut down, or the task is cancelled.
    ///
    /// - Throws: A `PBTError`: `noSuchExperiment` for a name that the store does not have, `unreachable` when the store is
    ///   away at the start, `cannotTrain` when the worker cannot train, `setAside` when its attempts fail where those of
    ///   others succeed, or what a store throws that cannot go on.
    public func run() async throws {
        let tracker = ExperimentTracker()
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
            // All is recorded; what could be tidied up, others tidy up.
            logger.info("could not tidy up at the end", metadata: ["error": "\(error)"])
        }
        try tracker.health.check(slots: configuration.slots)
    }

    /// Reads how far the experiments are.
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
