// SPDX-License-Identifier: Apache-2.0

public import PBT

/// Reads an experiment's history from a store; after the first time, it transfers only what has changed.
///
/// ```swift
/// var loader = HistoryLoader()
/// while true {
///     let loaded = try await loader.load("mnist", from: store)
///     show(loaded.history)
///     …
/// }
/// ```
///
/// One loader may be used for several experiments in turn: another experiment is read as a whole.
public struct HistoryLoader: Sendable {
    /// An experiment and the experiments it belongs to, as one read found them.
    public struct Loaded: Sendable {
        /// The experiment, its intervals, and those of its random search.
        public let history: History
        /// The random search that the experiment is compared with; none before it exists.
        public let baseline: ExperimentRecord?
        /// The name of the experiment whose random search this one is.
        public let baselineOf: String?
    }

    private var own = IntervalMirror()
    private var baseline = IntervalMirror()

    /// A loader that has read nothing yet.
    public init() {}

    /// Reads an experiment together with its random search.
    ///
    /// Writes during the read may be missing; the next read includes them.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - store: The store that it is in.
    /// - Returns: The history, and its relations.
    /// - Throws: ``PBTError/Code/noSuchExperiment``, or another ``PBTError`` when the store cannot be read.
    public mutating func load(_ name: String, from store: any Store) async throws -> Loaded {
        let record = try await store.record(of: name)
        own.apply(try await store.changes(of: name, since: own.cursor))
        let others = try await store.experiments()
        let search = record.experiment.baseline.flatMap { baseline in
            others.first { $0.experiment.name == baseline.name }
        }
        if let search {
            baseline.apply(try await store.changes(of: search.experiment.name, since: baseline.cursor))
        }
        return Loaded(
            history: History(
                record, intervals: own.intervals, baseline: search == nil ? nil : baseline.intervals,
                baselineBest: search?.best),
            baseline: search, baselineOf: others.experiment(withBaseline: name))
    }

    /// Reads an experiment without its random search, which is enough to follow a run.
    ///
    /// - Parameters:
    ///   - record: The experiment, read before.
    ///   - store: The store that it is in.
    /// - Returns: The history without a baseline.
    /// - Throws: ``PBTError/Code/noSuchExperiment``, or another ``PBTError`` when the store cannot be read.
    public mutating func load(_ record: ExperimentRecord, from store: any Store) async throws -> History {
        own.apply(try await store.changes(of: record.experiment.name, since: own.cursor))
        return History(record, intervals: own.intervals)
    }

    /// Reads an experiment together with its random search and its revisions, all from between the same two edits.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - store: The store that it is in.
    /// - Returns: The history and its relations, and the revisions by number.
    /// - Throws: ``PBTError/Code/noSuchExperiment``; ``PBTError/Code/storeBusy`` after 100 tries that an edit came
    ///   into; another ``PBTError`` when the store cannot be read.
    public mutating func loadWithRevisions(
        _ name: String, from store: any Store
    ) async throws -> (Loaded, [Revision]) {
        var revisions = try await store.revisions(of: name)
        for _ in 0..<100 {
            let loaded = try await load(name, from: store)
            let after = try await store.revisions(of: name)
            if after == revisions { return (loaded, revisions) }
            revisions = after
        }
        throw PBTError(.storeBusy, "experiment \"\(name)\" is edited while it is read; try again later")
    }
}

extension Array<ExperimentRecord> {
    /// Returns the name of the experiment that is compared with a random search.
    ///
    /// - Parameter name: The random search.
    /// - Returns: The name of the experiment; none when no experiment here has a baseline of that name.
    package func experiment(withBaseline name: String) -> String? {
        first { $0.experiment.baseline?.name == name }?.experiment.name
    }
}
