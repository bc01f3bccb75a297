// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTCheckpoints
public import SystemPackage

/// What a run led to.
public struct Trained: Sendable, Hashable {
    /// The experiment as it is at the end.
    public var record: ExperimentRecord
    /// The best interval ever; none when no interval was done.
    public var best: Interval?
    /// The directory of the best interval's checkpoint.
    public var checkpoint: FilePath?
}

/// Runs an experiment with a trainer written in Swift, and returns when it is over.
///
/// An experiment of that name that is in the store already is taken up where it stopped; one that is over returns at
/// once. A baseline, if the experiment has one, is trained beside it.
///
/// - Parameters:
///   - experiment: What is searched.
///   - trainer: What trains an interval.
///   - workers: How many intervals are trained at a time; at least 1.
///   - store: Where the experiment is kept.
///   - data: Where checkpoints are kept.
/// - Returns: The experiment at its end and its best interval. After a cancellation or a graceful shutdown it need not
///   be over.
/// - Throws: What the store throws; an error of the trainer's fails its interval and is not thrown.
public func train(
    _ experiment: Experiment, with trainer: some Trainer, workers: Int, store: some Store, data: DataDirectory
) async throws -> Trained {
    try await makeWorker(experiment, trainer, workers, store, data).run()
    return try await standing(experiment, store, data)
}

/// Runs an experiment with a trainer written in Swift while its events are observed, and returns when both are over.
///
/// - Parameters:
///   - experiment: What is searched.
///   - trainer: What trains an interval.
///   - workers: How many intervals are trained at a time; at least 1.
///   - store: Where the experiment is kept.
///   - data: Where checkpoints are kept.
///   - body: Gets the events of the experiment from now on, as they happen; they end with the run. When it returns
///     early the run goes on; when it throws, the intervals in flight are given back, and the error is thrown.
/// - Returns: The experiment at its end with its best interval, and what `body` returned.
/// - Throws: What the store or `body` throws.
public func train<Result>(
    _ experiment: Experiment, with trainer: some Trainer, workers: Int, store: some Store, data: DataDirectory,
    observing body: (RunEvents) async throws -> Result
) async throws -> (trained: Trained, result: Result) {
    let last = try await store.lastEvent()
    let worker = try await makeWorker(experiment, trainer, workers, store, data)
    let (events, continuation) = AsyncThrowingStream<Event, any Error>.makeStream()
    let result = try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            // However this ends, the observer must not wait for more.
            defer { continuation.finish() }
            try await worker.run(reporting: experiment.name, after: last, to: continuation)
        }
        let result = try await body(RunEvents(stream: events))
        try await tasks.waitForAll()
        return result
    }
    return (try await standing(experiment, store, data), result)
}

/// A worker for an experiment and its baseline, which are created or taken up.
private func makeWorker(
    _ experiment: Experiment, _ trainer: some Trainer, _ workers: Int, _ store: some Store, _ data: DataDirectory
) async throws -> Worker {
    for wanted in [experiment, experiment.baseline].compactMap({ $0 }) {
        try await data.checkUnclaimed(wanted.name, in: store)
    }
    let family = try await store.register(experiment).family
    for record in family.records where record.state == .paused { try await store.resume(record.experiment.name) }
    return Worker(
        store: store, data: data, executor: TrainerExecutor(trainer),
        configuration: WorkerConfiguration(
            experiments: .named(family.names), slots: workers,
            // A queue filled by hand is never over.
            end: experiment.kind == .manual ? .whenIdle : .whenOver))
}

/// How an experiment stands at the end of a run.
private func standing(_ experiment: Experiment, _ store: some Store, _ data: DataDirectory) async throws -> Trained {
    let record = try await store.record(of: experiment.name)
    var trained = Trained(record: record)
    if let best = record.best {
        let interval = try await store.interval(best, of: experiment.name)
        trained.best = interval
        trained.checkpoint = interval.checkpoint.flatMap { data.checkpoint(named: $0, of: experiment.name) }
    }
    return trained
}

/// The events of a run, as they happen; they end with the run.
public struct RunEvents: AsyncSequence, Sendable {
    /// What it yields.
    public typealias Element = Event

    let stream: AsyncThrowingStream<Event, any Error>

    /// Starts to iterate; the events can be had once.
    public func makeAsyncIterator() -> Iterator {
        Iterator(base: stream.makeAsyncIterator())
    }

    /// Iterates over the events of a run.
    public struct Iterator: AsyncIteratorProtocol {
        var base: AsyncThrowingStream<Event, any Error>.Iterator

        /// The next event; none when the run is over.
        ///
        /// - Throws: What the store throws.
        public mutating func next() async throws -> Event? {
            try await next(isolation: #isolation)
        }

        /// The next event; none when the run is over.
        ///
        /// - Parameter actor: Where the iteration runs.
        /// - Returns: The next event.
        /// - Throws: What the store throws.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Event? {
            try await base.next(isolation: actor)
        }
    }
}

extension Worker {
    /// Works, and passes on the events of an experiment until the work is over.
    func run(
        reporting name: String, after last: Int64, to continuation: AsyncThrowingStream<Event, any Error>.Continuation
    ) async throws {
        let store = store
        try await withThrowingTaskGroup(of: Int64.self) { tasks in
            tasks.addTask {
                var known = last
                do {
                    for try await event in store.follow(name, after: last) {
                        continuation.yield(event)
                        known = event.id
                    }
                } catch is CancellationError {
                    // The work is over.
                }
                return known
            }
            do {
                try await run()
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
            tasks.cancelAll()
            guard var known = try await tasks.next() else { return }
            // What happened since the other task looked last.
            while true {
                let events = try await store.events(of: name, after: known, limit: 500)
                for event in events { continuation.yield(event) }
                guard let latest = events.last else { break }
                known = latest.id
            }
        }
    }
}
