// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The shared state of the slots of a worker: the progress of each experiment, and pending cleanup.
final class ExperimentTracker: Sendable {
    private struct Progress {
        var finished = 0
        var planned = 1
        var claimed = 0
        var isOver = false

        /// The share of the planned intervals that are finished or leased by this worker.
        var share: Double { Double(finished + claimed) / Double(max(1, planned)) }
    }

    private struct State {
        var experiments: [String: Progress] = [:]
        /// Deleted checkpoints that were not reported to the store yet.
        var deleted: [String: [String]] = [:]
        var lastSweep: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    /// True if an experiment is not over while its best checkpoints are to be evaluated.
    private let evaluates: Bool
    /// The health of the worker.
    let health = WorkerHealth()

    /// Creates a tracker without experiments.
    ///
    /// - Parameter evaluates: True for a worker that evaluates.
    init(evaluates: Bool = false) {
        self.evaluates = evaluates
    }

    /// Updates the progress of an experiment.
    func update(_ record: ExperimentRecord) {
        state.withLock {
            $0.experiments[record.experiment.name, default: Progress()].finished = record.intervalsFinished
            $0.experiments[record.experiment.name]?.planned = record.intervalsPlanned
            $0.experiments[record.experiment.name]?.isOver = !isOpen(record)
        }
    }

    /// Returns true if there may be something to do for an experiment.
    func isOpen(_ record: ExperimentRecord) -> Bool {
        !record.state.isOver || (evaluates && record.needsEvaluation)
    }

    /// Marks an experiment as finished or deleted.
    func markOver(_ name: String) {
        state.withLock { $0.experiments[name, default: Progress()].isOver = true }
    }

    /// Changes the number of intervals of an experiment that this worker has leased.
    func claimed(_ name: String, _ change: Int) {
        state.withLock { $0.experiments[name]?.claimed += change }
    }

    /// Returns the number of intervals of an experiment that this worker has leased.
    func claimed(_ name: String) -> Int {
        state.withLock { $0.experiments[name]?.claimed ?? 0 }
    }

    /// The unfinished experiments, the one with the smallest share of finished intervals first.
    var order: [String] {
        state.withLock { state in
            state.experiments.filter { !$0.value.isOver }
                .sorted { ($0.value.share, $0.key) < ($1.value.share, $1.key) }.map(\.key)
        }
    }

    /// The names of all experiments, sorted.
    var names: [String] {
        state.withLock { $0.experiments.keys.sorted() }
    }

    /// Returns true to one caller for each period: it is time to look for dead workers and garbage.
    func isSweepDue(every time: Duration) -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.lastSweep, now - last < time { return false }
            state.lastSweep = now
            return true
        }
    }

    /// Adds deleted checkpoints, and returns those to report now; they are reported in batches.
    func deleted(_ names: [String], of experiment: String) -> [String] {
        state.withLock { state in
            state.deleted[experiment, default: []] += names
            guard let all = state.deleted[experiment], all.count >= 16 else { return [] }
            state.deleted[experiment] = nil
            return all
        }
    }

    /// Removes and returns the deleted checkpoints that were not reported yet.
    func takeDeleted() -> [String: [String]] {
        state.withLock { state in
            defer { state.deleted = [:] }
            return state.deleted
        }
    }
}
