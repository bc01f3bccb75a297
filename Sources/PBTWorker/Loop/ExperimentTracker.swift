// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// What the slots of one worker know together: how far each experiment is, and what is to be tidied up.
final class ExperimentTracker: Sendable {
    private struct Progress {
        var finished = 0
        var planned = 1
        var claimed = 0
        var isOver = false

        /// The share of the planned intervals that is finished or in this worker's hands.
        var share: Double { Double(finished + claimed) / Double(max(1, planned)) }
    }

    private struct State {
        var experiments: [String: Progress] = [:]
        /// Deleted checkpoints that the store does not know to be deleted yet.
        var deleted: [String: [String]] = [:]
        var lastSweep: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    /// How well the worker is.
    let health = WorkerHealth()

    /// Takes in how far an experiment is.
    func update(_ record: ExperimentRecord) {
        state.withLock {
            $0.experiments[record.experiment.name, default: Progress()].finished = record.intervalsFinished
            $0.experiments[record.experiment.name]?.planned = record.intervalsPlanned
            $0.experiments[record.experiment.name]?.isOver = record.state.isOver
        }
    }

    /// An experiment is over, or gone.
    func markOver(_ name: String) {
        state.withLock { $0.experiments[name, default: Progress()].isOver = true }
    }

    /// An interval came into this worker's hands, or left them.
    func claimed(_ name: String, _ change: Int) {
        state.withLock { $0.experiments[name]?.claimed += change }
    }

    /// How many intervals of an experiment are in this worker's hands.
    func claimed(_ name: String) -> Int {
        state.withLock { $0.experiments[name]?.claimed ?? 0 }
    }

    /// The experiments that are not over, the one that is furthest behind first.
    var order: [String] {
        state.withLock { state in
            state.experiments.filter { !$0.value.isOver }
                .sorted { ($0.value.share, $0.key) < ($1.value.share, $1.key) }.map(\.key)
        }
    }

    /// All experiments, in order of name.
    var names: [String] {
        state.withLock { $0.experiments.keys.sorted() }
    }

    /// Whether it is time to look for dead workers and garbage; says so to one of those who ask.
    func isSweepDue(every time: Duration) -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.lastSweep, now - last < time { return false }
            state.lastSweep = now
            return true
        }
    }

    /// Takes in that checkpoints were deleted, and returns those to report now: many reports in one are cheaper.
    func deleted(_ names: [String], of experiment: String) -> [String] {
        state.withLock { state in
            state.deleted[experiment, default: []] += names
            guard let all = state.deleted[experiment], all.count >= 16 else { return [] }
            state.deleted[experiment] = nil
            return all
        }
    }

    /// Takes what was deleted and is not reported yet.
    func takeDeleted() -> [String: [String]] {
        state.withLock { state in
            defer { state.deleted = [:] }
            return state.deleted
        }
    }
}
