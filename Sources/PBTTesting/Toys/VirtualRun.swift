// SPDX-License-Identifier: Apache-2.0

public import PBT

/// A run of a toy through a store in memory, by workers whose intervals take time by a virtual clock.
///
/// Every rule of a store applies, so it runs whatever an experiment may define, in microseconds an interval.
public struct VirtualRun<T: Toy>: Sendable {
    /// The experiment; its baseline is created but not run.
    public var experiment: Experiment
    /// The toy.
    public let toy: T
    /// The number of workers.
    public var workers: Int
    /// The seed of the durations.
    public var seed: UInt64
    /// The standard deviation of the logarithm of an interval's duration.
    public var spread: Double
    /// The factor by which the first worker is slower than the others.
    public var slowness: Double

    /// The rows of a finished run, and its time by the virtual clock.
    public struct Outcome: Sendable {
        /// The experiment's row.
        public var record: ExperimentRecord
        /// All intervals, by member and index.
        public var intervals: [Interval]
        /// The time until the last interval finished; the median interval takes 1.
        public var time: Double
        /// The share of the workers' time until then in which they trained nothing.
        public var idle: Double
    }

    /// Creates a run.
    public init(
        experiment: Experiment, toy: T, workers: Int, seed: UInt64, spread: Double = 0.2, slowness: Double = 1
    ) {
        self.experiment = experiment
        self.toy = toy
        self.workers = workers
        self.seed = seed
        self.spread = spread
        self.slowness = slowness
    }

    private struct Training {
        var end: Double
        var worker: Int
        var assignment: Assignment
    }

    /// Trains until nothing is left to claim, and evaluates the best checkpoints if the experiment says so, which takes
    /// no time.
    ///
    /// - Returns: The rows and the time.
    /// - Throws: The errors of the store and the toy; a `PBTError` with code `badExperiment` if the best checkpoints
    ///   shall be evaluated and the toy cannot.
    public func run() async throws -> Outcome {
        let clock = ManualClock()
        let store = InMemoryStore(clock: clock.store)
        _ = try await store.create(experiment)
        var random = RandomStream(seed: seed, .trainer, member: 0, index: 0, name: "durations")
        var weights: [String: T.Weights] = [:]
        var running: [Training] = []
        var idle = Array((0..<workers).reversed())
        var (now, busy) = (0.0, 0.0)
        while true {
            while let worker = idle.last,
                case .assignment(let assignment) = try await store.claim(
                    from: experiment.name, by: "w\(worker)", for: .seconds(1_000_000))
            {
                idle.removeLast()
                let time = Mathematics.exp(spread * random.normal()) * (worker == 0 ? slowness : 1)
                busy += time
                running.append(Training(end: now + time, worker: worker, assignment: assignment))
            }
            guard let place = running.indices.min(by: { running[$0].end < running[$1].end }) else { break }
            let training = running.remove(at: place)
            clock.advance(by: .milliseconds(Int((training.end - now) * 1000)))
            now = training.end
            idle.append(training.worker)
            let assignment = training.assignment
            var model = assignment.parentCheckpoint.flatMap { weights[$0] } ?? toy.founder(seed: assignment.seed)
            let score = try toy.train(&model, with: assignment.interval.hyperparameters, seed: assignment.seed)
            let checkpoint = "\(assignment.lease.checkpointName)"
            weights[checkpoint] = model
            let metrics = try toy.metrics(of: model, seed: assignment.seed)
            let finished = try await store.finish(
                assignment.lease, .trained(score: score, metrics: metrics, checkpoint: checkpoint))
            for name in finished.garbage { weights[name] = nil }
            try await store.collected(finished.garbage, of: experiment.name)
        }
        try await evaluate(weights, in: store)
        return Outcome(
            record: try await store.record(of: experiment.name),
            intervals: try await store.intervals(of: experiment.name), time: now,
            idle: 1 - busy / (now * Double(workers)))
    }

    /// Evaluates the best checkpoints by the rules of the store, which chooses the winner.
    private func evaluate(_ weights: [String: T.Weights], in store: InMemoryStore) async throws {
        while case .assignment(let assignment) = try await store.claimEvaluation(
            from: experiment.name, by: "w0", for: .seconds(1_000_000))
        {
            guard let model = assignment.parentCheckpoint.flatMap({ weights[$0] }),
                let score = try toy.evaluate(model, seed: assignment.seed)
            else { throw PBTError(.badExperiment, "evaluate: the toy has no score besides that of its training") }
            _ = try await store.finish(assignment.lease, .trained(score: score, metrics: [:], checkpoint: nil))
        }
    }
}
