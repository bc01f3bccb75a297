// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The health of a worker over all of its slots.
final class WorkerHealth: Sendable {
    private struct State {
        var hasSucceeded = false
        /// The intervals of the failed attempts since the last success, by experiment.
        var failures: [String: [IntervalID]] = [:]
        var told: Set<String> = []
        /// The reasons of slots that ended, in order.
        var endedSlots: [String] = []
        var ended: String?
    }

    private let state = Mutex(State())

    /// True if the slots can continue.
    var isFit: Bool {
        state.withLock { $0.ended == nil }
    }

    /// Records a successful attempt.
    func succeeded() {
        state.withLock {
            $0.hasSucceeded = true
            $0.failures = [:]
        }
    }

    /// Returns true if no message of this kind was logged yet, and marks it as logged.
    ///
    /// Numbers, as in names of attempts, are ignored.
    func isNews(_ text: String) -> Bool {
        state.withLock { $0.told.insert(failureKind(of: text)).inserted }
    }

    /// Returns true if a message of this kind was logged.
    func isKnown(_ text: String) -> Bool {
        state.withLock { $0.told.contains(failureKind(of: text)) }
    }

    /// Records a setback.
    ///
    /// Failures at several intervals before any success are a sign of a problem of the worker.
    ///
    /// - Returns: The reason to stop the worker, if it must stop.
    func note(_ setback: Setback, in configuration: WorkerConfiguration) -> String? {
        guard case .failed(let reason, let interval, let experiment) = setback else { return nil }
        return state.withLock { state in
            guard !state.hasSucceeded else { return nil }
            state.failures[experiment, default: []].append(interval)
            let failed = state.failures[experiment] ?? []
            guard failed.count >= configuration.limits.failed, Set(failed).count > 1 else { return nil }
            return "its first \(failed.count) attempts at \"\(experiment)\" failed, at \(Set(failed).count) intervals; "
                + "the last one: \(reason)"
        }
    }

    /// Stops the worker.
    func end(because reason: String) {
        state.withLock { $0.ended = $0.ended ?? reason }
    }

    /// Records the end of a slot.
    ///
    /// - Returns: True if no slot has ended for that reason before.
    func endSlot(because reason: String) -> Bool {
        state.withLock { state in
            defer { state.endedSlots.append(reason) }
            return !state.endedSlots.contains(reason)
        }
    }

    /// Throws an error if all slots have ended because of problems, or the worker was stopped.
    ///
    /// - Throws: A `PBTError` with code `cannotTrain`.
    func check(slots: Int) throws {
        let reason = state.withLock { state in
            state.ended ?? (state.endedSlots.count >= slots ? state.endedSlots.last : nil)
        }
        guard let reason else { return }
        throw PBTError(
            .cannotTrain,
            "this worker stopped, since \(reason); the intervals are left to other workers, or to the next run")
    }
}

/// Warnings that a worker logs once.
enum Warnings {
    /// Returns the warning that the program of an experiment saves nothing.
    static func emptyCheckpoint(of experiment: Experiment) -> String {
        "the program of \"\(experiment.name)\" saves nothing into PBT_CHECKPOINT_OUT: each interval starts from scratch, "
            + "and a copy of another member copies only its hyperparameters; check it with: pbt check FILE"
    }
}
