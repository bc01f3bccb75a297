// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The open event streams of pages, and the announcement of a shutdown to them.
///
/// A server that stops may restart, so pages reconnect. A server that ends with its run announces that instead: each page
/// then loads its final state and closes its stream, which confirms that it has it.
final class LiveConnections: Sendable {
    private struct State {
        var isEnding = false
        var count = 0
        var last = 0
        var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
        var empty: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// A Boolean value indicating whether the shutdown was announced.
    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// Counts a stream that was opened.
    func join() {
        state.withLock { $0.count += 1 }
    }

    /// Counts a stream that was closed.
    func leave() {
        state.withLock { state in
            state.count -= 1
            if state.count == 0 { state.empty?.finish() }
        }
    }

    /// Runs an operation, and cancels it when the shutdown is announced.
    ///
    /// - Throws: What `body` throws; `CancellationError` when the task was cancelled.
    func untilEnd(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await body() }
            tasks.addTask { await self.end() }
            try await tasks.next()
            tasks.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// Announces the shutdown to all streams, and waits until they are closed.
    ///
    /// - Parameters:
    ///   - time: The maximum time to wait.
    ///   - wake: Wakes the streams that wait for events.
    func announceShutdown(within time: Duration, waking wake: () -> Void) async {
        let (closed, empty) = AsyncStream<Void>.makeStream()
        let waiting = state.withLock { state in
            state.isEnding = true
            state.empty = empty
            if state.count == 0 { empty.finish() }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.finish() }
        wake()
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { for await _ in closed {} }
            tasks.addTask {
                do { try await Task.sleep(for: time) } catch {
                    // All streams were closed before.
                }
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    /// Returns when the shutdown is announced, or the task is cancelled.
    private func end() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let id = state.withLock { state -> Int? in
            guard !state.isEnding else { return nil }
            state.last += 1
            state.waiting[state.last] = continuation
            return state.last
        }
        guard let id else { return }
        defer { state.withLock { $0.waiting[id] = nil } }
        for await _ in stream {}
    }
}
