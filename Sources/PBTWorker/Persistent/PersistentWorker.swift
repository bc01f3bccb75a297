// SPDX-License-Identifier: Apache-2.0

public import Logging
public import PBT
public import PBTCheckpoints
public import ServiceLifecycle
import SystemPackage

/// Keeps programs running that ask a server for one interval after another: CUDA and data are set up once.
///
/// It starts them, gives each its device, starts those again that end too early, takes back the intervals of those that
/// died, and deletes garbage. What is trained is between the programs and the server.
///
/// - A graceful shutdown calls `drain`, which makes the server hand out nothing more; the programs finish what they
///   have, and end.
/// - Cancellation asks the programs to end, which makes them give their intervals back, and kills those that do not.
/// - A program that lives on when this process was killed is killed by the next that serves the experiment; the Python
///   client also ends by itself when it cannot reach the server and `PBT_PARENT` is gone.
public struct PersistentWorker: Service {
    /// What the programs are told, beside what every trainer is told.
    public struct Server: Sendable {
        /// The server's URL.
        public var url: String
        /// A token of scope `work`; none where the server asks for none.
        public var token: String?

        /// A server and the token for it.
        public init(url: String, token: String?) {
            self.url = url
            self.token = token
        }
    }

    /// Sweeps; never runs itself.
    let tidier: Worker
    let experiments: [String]
    let slots: Int
    let server: Server
    let environment: TrainerEnvironment
    let clock: any Clock<Duration>
    let logger: Logger
    private let drain: @Sendable () -> Void

    /// Keeps programs running.
    ///
    /// - Parameters:
    ///   - store: Where the experiments are; the same that the server serves.
    ///   - data: Where their files are.
    ///   - experiments: Their names, in the order in which programs are given to them.
    ///   - slots: How many programs at a time.
    ///   - server: Where the programs ask for intervals.
    ///   - environment: What programs inherit.
    ///   - clock: What pauses and grace periods go by.
    ///   - logger: Where it logs; nowhere when not given.
    ///   - drain: Makes the server hand out nothing more.
    public init(
        store: any Store, data: DataDirectory, experiments: [String], slots: Int, server: Server,
        environment: TrainerEnvironment = .current(), clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger? = nil, drain: @escaping @Sendable () -> Void
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
        self.clock = clock
        self.logger = logger
        self.drain = drain
    }

    /// Keeps programs running until the experiments are over, the service is shut down, or the task is cancelled.
    ///
    /// - Throws: A `PBTError`: `cannotTrain` when programs cannot be started, end again and again without having begun an
    ///   interval, or fail at one after another; and what the store throws.
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
            // The programs have ended; what they could not give back is taken back here.
            _ = try await Task { try await tidier.sweep(tracker) }.value
            return
        }
        try await tidier.sweep(tracker)
        try tracker.health.check(slots: slots)
    }

    /// Looks from time to time how far the experiments are, for dead programs, and for garbage.
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
    /// Says once of an experiment that its program saves nothing.
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
                // One that was deleted meanwhile says nothing.
                guard try FileSystem.exists(path) else { continue }
            } catch let error as PBTError where error.code == .inputOutput {
                logger.info("could not look at a checkpoint", metadata: ["error": "\(error)"])
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

/// For a worker that only sweeps.
private struct NoExecutor: Executor {
    func run(_ attempt: Attempt) async -> AttemptEnd {
        .interrupted(reason: "this worker trains nothing itself")
    }
}
