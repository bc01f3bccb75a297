// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A signal that wakes tasks that await events, within one process.
package final class EventSignal: Sendable {
    private struct State {
        var last: Int64 = 0
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Signals that there are events up to this number.
    package func raise(to event: Int64) {
        let woken = state.withLock { state in
            guard event > state.last else { return [CheckedContinuation<Void, Never>]() }
            state.last = event
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in woken {
            waiter.resume()
        }
    }

    /// Waits for an event after a number, for a given time at most.
    ///
    /// - Throws: `CancellationError` if the task is cancelled.
    package func wait(after event: Int64, for time: Duration) async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(after: event) }
            group.addTask {
                // Cancelled as soon as the event is there; its result is ignored then.
                do { try await Task.sleep(for: time) } catch {}
            }
            await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    private func wait(after event: Int64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Checked under the lock: an earlier cancellation is seen here, a later one by its handler.
                    if state.last > event || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
