// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTCheckpoints
public import SystemPackage

/// The result of a run.
public struct Trained: Sendable, Hashable {
    /// The experiment at the end of the run.
    public var record: ExperimentRecord
    /// The best interval; nil if no interval is done.
    public var best: Interval?
    /// The directory of the checkpoint of the best interval.
    public var checkpoint: FilePath?
}

/// Runs an experiment with a trainer written in Swift, and returns when it has ended.
///
/// An existing experiment of that name is resumed; one that has ended returns immediately. The baseline, if the
/// experiment has one, is trained concurrently.
///
/// - Parameters:
///   - experiment: The definition of the experiment.
///   - trainer: The implementation of training.
///   - workers: The number of intervals that are trained concurrently; at least 1.
///   - store: The store of the experiment.
///   - data: The data directory of the store.
/// - Returns: The experiment and its best interval. After a cancellation or a graceful shutdown the experiment can be
///   unfinished.
/// - Throws: An error of the store. An error of the trainer fails its interval and is not thrown.
public func train(
    _ experiment: Experiment, with trainer: some Trainer, workers: Int, store: some Store, data: DataDirectory
) async throws -> Trained {
    try await makeWorker(experiment, trainer, workers, store, data).run()
    return try await standing(experiment, store, data)
}

/// Runs an experiment with a trainer written in Swift while `body` observes its events, and returns when both have
/// ended.
///
/// - Parameters:
///   - experiment: The definition of the experiment.
///   - trainer: The implementation of training.
///   - workers: The number of intervals that are trained concurrently; at least 1.
///   - store: The store of the experiment.
///   - data: The data directory of the store.
///   - body: Receives the new events of the experiment as they happen; they end with the run. If it returns early, the
///     run continues; if it throws, the intervals in flight are released, and the error is thrown.
/// - Returns: The experiment with its best interval, and the result of `body`.
/// - Throws: An error of the store or of `body`.
public func train<Result>(
    _ experiment: Experiment, with trainer: some Trainer, workers: Int, store: some Store, data: DataDirectory,
    observing body: (RunEvents) async throws -> Result
) async throws -> (trained: Trained, result: Result) {
    let last = try await store.lastEvent()
    let worker = try await makeWorker(experiment, trainer, workers, store, data)
    let (events, continuation) = AsyncThrowingStream<Event, any Error>.makeStream()
    let result = try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            // The observer must not wait for more events, however this ends.
            defer { continuation.finish() }
            try await worker.run(reporting: experiment.name, after: last, to: continuation)
        }
        let result = try await body(RunEvents(stream: events))
        try await tasks.waitForAll()
        return result
    }
    return (try await standing(experiment, store, data), result)
}

/// Creates or resumes an experiment and its baseline, and returns a worker for them.
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
            // A manual queue never ends.
            end: experiment.kind == .manual ? .whenIdle : .whenOver))
}

/// Returns the state of an experiment at the end of a run.
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

/// The events of a run as they happen; the sequence ends with the run.
public struct RunEvents: AsyncSequence, Sendable {
    /// The type of the elements.
    public typealias Element = Event

    let stream: AsyncThrowingStream<Event, any Error>

    /// Creates an iterator; the sequence can be iterated once.
    public func makeAsyncIterator() -> Iterator {
        Iterator(base: stream.makeAsyncIterator())
    }

    /// An iterator over the events of a run.
    public struct Iterator: AsyncIteratorProtocol {
        var base: AsyncThrowingStream<Event, any Error>.Iterator

        /// Returns the next event; nil when the run has ended.
        ///
        /// - Throws: An error of the store.
        public mutating func next() async throws -> Event? {
            try await next(isolation: #isolation)
        }

        /// Returns the next event; nil when the run has ended.
        ///
        /// - Parameter actor: The actor of the iteration.
        /// - Returns: The next event.
        /// - Throws: An error of the store.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Event? {
            try await base.next(isolation: actor)
        }
    }
}

extension Worker {
    /// Runs the worker, and yields the events of an experiment until it ends.
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
                    // The worker has ended.
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
            // The events since the last one that the other task read.
            while true {
                let events = try await store.events(of: name, after: known, limit: 500)
                for event in events { continuation.yield(event) }
                guard let latest = events.last else { break }
                known = latest.id
            }
        }
    }
}
