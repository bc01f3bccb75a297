// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// How well a worker does over all of its slots, and why it stops when it does not.
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

    /// Whether the slots are to train on.
    var isFit: Bool {
        state.withLock { $0.ended == nil }
    }

    /// Takes in that an attempt succeeded.
    func succeeded() {
        state.withLock {
            $0.hasSucceeded = true
            $0.failures = [:]
        }
    }

    /// Whether no text of this kind was told yet; from now on one is.
    ///
    /// Numbers, as in names of attempts, do not count.
    func isNews(_ text: String) -> Bool {
        state.withLock { $0.told.insert(failureKind(of: text)).inserted }
    }

    /// Whether a text of this kind was told already.
    func isKnown(_ text: String) -> Bool {
        state.withLock { $0.told.contains(failureKind(of: text)) }
    }

    /// Takes in a setback.
    ///
    /// Before any attempt of a worker succeeded, several that fail at different intervals say more about the worker than
    /// about them.
    ///
    /// - Returns: Why the worker is to end, if it is.
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

    /// Ends the worker.
    func end(because reason: String) {
        state.withLock { $0.ended = $0.ended ?? reason }
    }

    /// Takes in that a slot ended.
    ///
    /// - Returns: Whether no slot ended for that reason before.
    func endSlot(because reason: String) -> Bool {
        state.withLock { state in
            defer { state.endedSlots.append(reason) }
            return !state.endedSlots.contains(reason)
        }
    }

    /// Throws when all slots ended, or the worker was to end.
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

/// What a worker warns of, once.
enum Warnings {
    /// The program of an experiment saves nothing.
    static func emptyCheckpoint(of experiment: Experiment) -> String {
        "the program of \"\(experiment.name)\" saves nothing into PBT_CHECKPOINT_OUT: each interval starts from scratch, "
            + "and a copy of another member copies only its hyperparameters; check it with: pbt check FILE"
    }
}
