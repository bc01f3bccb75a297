// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The open pages that follow, and how they learn that their server goes for good.
///
/// A server that stops may be back in a moment, and pages look for it. One that goes with a run tells them: each asks
/// once more for what it shows, and lets go of its stream. That they have let go is the sign that they have seen the end.
final class LiveConnections: Sendable {
    private struct State {
        var isEnding = false
        var count = 0
        var last = 0
        var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
        var nobody: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Whether the end has come.
    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// One more follows.
    func join() {
        state.withLock { $0.count += 1 }
    }

    /// One has let go.
    func leave() {
        state.withLock { state in
            state.count -= 1
            if state.count == 0 { state.nobody?.finish() }
        }
    }

    /// Does something, no longer than until the end has come.
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

    /// Tells all who follow that the end has come, and waits until they have let go, but no longer than a time.
    ///
    /// - Parameters:
    ///   - time: How long to wait at most.
    ///   - wake: Wakes those who wait for events.
    func announceShutdown(within time: Duration, waking wake: () -> Void) async {
        let (gone, nobody) = AsyncStream<Void>.makeStream()
        let waiting = state.withLock { state in
            state.isEnding = true
            state.nobody = nobody
            if state.count == 0 { nobody.finish() }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.finish() }
        wake()
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { for await _ in gone {} }
            tasks.addTask {
                do { try await Task.sleep(for: time) } catch {
                    // All have let go before.
                }
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    /// Returns when the end has come, or the task is cancelled.
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
