// SPDX-License-Identifier: Apache-2.0

public import Logging
public import PBT
public import PBTCheckpoints
public import ServiceLifecycle
import SystemPackage

/// A service that keeps persistent programs running, which claim one interval after another from a server: CUDA and
/// data are set up once.
///
/// It starts the programs, assigns their devices, restarts those that end too early, releases the intervals of those
/// that died, and deletes unreferenced checkpoints. The programs train by the protocol of the server.
///
/// - A graceful shutdown calls `drain`, after which the server grants no more claims; the programs finish their
///   intervals and end.
/// - Cancellation sends SIGTERM to the programs, which release their intervals, and SIGKILL after the grace period.
/// - A program that outlives this process is killed by the next one that serves the experiment. The Python client also
///   ends by itself if it cannot reach the server and the process `PBT_PARENT` has ended.
public struct PersistentWorker: Service {
    /// The server that the programs connect to.
    public struct Server: Sendable {
        /// The server's URL.
        public var url: String
        /// A token of scope `work`; nil for a server that requires none.
        public var token: String?

        /// Creates the address of a server with a token.
        public init(url: String, token: String?) {
            self.url = url
            self.token = token
        }
    }

    /// The worker that sweeps; it never runs.
    let tidier: Worker
    let experiments: [String]
    let slots: Int
    let server: Server
    let environment: TrainerEnvironment
    let devices: DeviceAssignment?
    let clock: any Clock<Duration>
    let logger: Logger
    private let drain: @Sendable () -> Void

    /// Creates a service that keeps programs running.
    ///
    /// - Parameters:
    ///   - store: The store that the server serves.
    ///   - data: The data directory of the store.
    ///   - experiments: The names of the experiments, in the order in which programs are assigned to them.
    ///   - slots: The number of concurrent programs.
    ///   - server: The server that the programs claim intervals from.
    ///   - environment: The environment that programs inherit.
    ///   - devices: The devices that other processes leave; if nil, each program has those of its number.
    ///   - clock: The clock of pauses and grace periods.
    ///   - logger: The logger; if nil, nothing is logged.
    ///   - drain: Called to make the server grant no more claims.
    public init(
        store: any Store, data: DataDirectory, experiments: [String], slots: Int, server: Server,
        environment: TrainerEnvironment = .current(), devices: DeviceAssignment? = nil,
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger? = nil, drain: @escaping @Sendable () -> Void
    ) {
        precondition(slots >= 1, "a worker has at least one slot")
        let logger = logger ?? Logger(label: "pbt.worker") { _ in SwiftLogNoOpLogHandler() }
        tidier = Worker(
            store: store, data: data, executor: NoExecutor(),
            configuration: WorkerConfiguration(experiments: .named(experiments), pause: .milliseconds(250)),
            clock: clock, logger: logger)
        self.experiments = experiments
        self.slots = slots
        self.server = server
        self.environment = environment
        self.devices = devices
        self.clock = clock
        self.logger = logger
        self.drain = drain
    }

    /// Keeps programs running until the experiments end, the service is shut down, or the task is cancelled.
    ///
    /// - Throws: A `PBTError`: `cannotTrain` if programs cannot be started, end repeatedly without starting an
    ///   interval, or fail repeatedly; an error of the store.
    public func run() async throws {
        let tracker = ExperimentTracker()
        do {
            try await tidier.refresh(tracker)
            try tidier.data.makeRoot()
            for experiment in experiments { try PersistentProcess.killLeftovers(of: experiment, in: tidier.data) }
            try await tidier.sweep(tracker)
            try await withGracefulShutdownHandler {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await tidy(tracker) }
                    try await withThrowingTaskGroup(of: Void.self) { programs in
                        for slot in 0..<slots {
                            programs.addTask {
                                try await PersistentSlot(worker: self, tracker: tracker, number: slot).run()
                            }
                        }
                        try await programs.waitForAll()
                    }
                    tasks.cancelAll()
                }
            } onGracefulShutdown: {
                drain()
            }
        } catch is CancellationError {
            // The programs have ended; intervals that they did not release are released here.
            _ = try await Task { try await tidier.sweep(tracker) }.value
            return
        }
        try await tidier.sweep(tracker)
        try tracker.health.check(slots: slots)
    }

    /// Periodically reads the progress of the experiments, and looks for dead programs and unreferenced checkpoints.
    private func tidy(_ tracker: ExperimentTracker) async throws {
        while true {
            do { try await clock.sleep(for: tidier.configuration.poll) } catch { return }
            do {
                try await tidier.refresh(tracker)
                try await tidier.sweep(tracker)
                try await lookForCheckpoints(tracker)
            } catch is CancellationError {
                return
            }
        }
    }
}

extension PersistentWorker {
    /// Warns once for each experiment that its program saves nothing.
    private func lookForCheckpoints(_ tracker: ExperimentTracker) async throws {
        let done = IntervalSelection(state: .done, checkpoints: [.kept], limit: 1)
        for name in tracker.order where !tracker.health.isKnown(Self.saves(name)) {
            let experiment = try await tidier.store.record(of: name).experiment
            guard experiment.intervals > 1,
                let checkpoint = try await tidier.store.intervals(of: name, done).first?.checkpoint
            else { continue }
            let path = tidier.data.checkpoint(checkpoint, of: name)
            let isEmpty: Bool
            do {
                isEmpty = try FileSystem.names(in: path).isEmpty
                // A checkpoint that was deleted meanwhile proves nothing.
                guard try FileSystem.exists(path) else { continue }
            } catch let error as PBTError where error.code == .inputOutput {
                logger.info("could not read a checkpoint", metadata: ["error": "\(error)"])
                continue
            }
            let text = Warnings.emptyCheckpoint(of: experiment)
            if isEmpty, tracker.health.isNews(text) { logger.warning("\(text)") }
            _ = tracker.health.isNews(Self.saves(name))
        }
    }

    private static func saves(_ experiment: String) -> String {
        "looked at a checkpoint of \(experiment)"
    }
}

/// The executor of a worker that only sweeps.
private struct NoExecutor: Executor {
    func run(_ attempt: Attempt) async -> AttemptEnd {
        .interrupted(reason: "this worker trains nothing itself")
    }
}
