// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The parts of the list of experiments that need an experiment's intervals.
struct Summary: Sendable {
    /// The comparison with the random search.
    let verdict: Verdict?
    /// The metrics next to the score that the definition names.
    let metrics: [OtherMetric]
}

/// A cache of summaries, each valid until its experiment or its random search changes.
///
/// Only a limited number of intervals is read for a request. What does not fit is read for the next ones.
actor Summaries {
    private struct Key: Hashable {
        var id: Int64
        var finished: [Int64]
        var best: [IntervalID?]
        var notes: [[String: Value]]

        init(_ record: ExperimentRecord, _ baseline: ExperimentRecord?) {
            id = record.id
            let both = [record] + (baseline.map { [$0] } ?? [])
            finished = both.map(\.finishedIntervals)
            best = both.map(\.best)
            notes = both.map(\.notes)
        }
    }

    /// The maximum number of intervals that are read for a request, unless one experiment has more.
    private static let most = 20_000
    /// The maximum number of summaries in the cache.
    private static let limit = 1000

    private let store: any Store
    private let snapshots: Snapshots
    private var known: [String: (key: Key, summary: Summary)] = [:]

    /// An empty cache.
    ///
    /// - Parameters:
    ///   - store: The store of the experiments.
    ///   - snapshots: The cache with the experiments that change.
    init(store: any Store, snapshots: Snapshots) {
        self.store = store
        self.snapshots = snapshots
    }

    /// Returns the summaries of experiments by name; none for those that have nothing to compare or to show, and for
    /// those that are read later.
    ///
    /// - Parameter records: All experiments of the store, the most important first.
    /// - Returns: The summaries.
    /// - Throws: What the store throws; an experiment that was deleted meanwhile is omitted.
    func summaries(of records: [ExperimentRecord]) async throws -> [String: Summary] {
        let byName = Dictionary(records.map { ($0.experiment.name, $0) }) { first, _ in first }
        var result: [String: Summary] = [:]
        var left = Self.most
        for record in records where record.best != nil {
            let name = record.experiment.name
            let baseline = record.experiment.baseline.flatMap { byName[$0.name] }
            let showsMetrics = record.experiment.metrics?.isEmpty == false
            guard baseline != nil || showsMetrics else { continue }
            let key = Key(record, baseline)
            if let entry = known[name], entry.key == key {
                result[name] = entry.summary
                continue
            }
            let size = record.intervalsFinished.adding(saturating: baseline?.intervalsFinished ?? 0)
            guard left == Self.most || size <= left else { continue }
            left = left.subtracting(saturating: size)
            do {
                let history = try await history(of: name, isOver: record.state.isOver)
                let summary = Summary(verdict: history.verdict, metrics: showsMetrics ? history.otherMetrics : [])
                if known.count >= Self.limit { known = [:] }
                known[name] = (key, summary)
                result[name] = summary
            } catch let error as PBTError where error.code == .noSuchExperiment {
                known[name] = nil
            }
        }
        return result
    }

    /// Reads an experiment; one that still changes from the cache that pages use, which reads only changes.
    private func history(of name: String, isOver: Bool) async throws -> History {
        guard isOver else { return try await snapshots.snapshot(of: name).history }
        var loader = HistoryLoader()
        return try await loader.load(name, from: store).history
    }
}
