// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

/// Runs a program in its own process group until it and all its descendants (``ProcessTree``) have ended.
struct ProcessGroup {
    /// The end of the program.
    enum End: Sendable, Hashable {
        /// It exited, or was killed by a signal of another process.
        case ended(Invocation.Status)
        /// It was stopped after its timeout.
        case timedOut
        /// It was stopped because the task was cancelled.
        case cancelled
    }

    /// The program to run.
    let invocation: Invocation
    /// The scope in the environment of its processes.
    let scope: ProcessScope
    /// The timeout; nil for no limit.
    let timeout: Duration?
    /// The time between SIGTERM and SIGKILL.
    let grace: Duration
    /// The clock of the timeout.
    let clock: any Clock<Duration>

    private enum Event: Sendable {
        case ended(Result<Invocation.Status, PBTError>)
        case timeOver
        case cancelled
        case graceOver
    }

    /// Runs the program.
    ///
    /// - Parameters:
    ///   - output: The file for its standard output, which stays open.
    ///   - errors: The file for its standard error, which stays open.
    ///   - started: Called with the identifier of the group after the start; if it throws, the group is killed.
    /// - Returns: The end of the program.
    /// - Throws: An error of the start or of `started`; `CancellationError` if the task was cancelled before.
    func run(
        output: FileDescriptor, errors: FileDescriptor, started: @escaping @Sendable (Int32) throws -> Void
    ) async throws -> End {
        try Task.checkCancellation()
        let (events, source) = AsyncStream<Event>.makeStream()
        let tree = try await ProcessTree.starting(scope: scope) {
            try await invocation.start(output: output, errors: errors) { source.yield(.ended($0)) }
        }
        let group = tree.leader.number
        let isCancelled = Latch()
        // An unstructured task: in a cancelled task, sleeps return immediately.
        let watch = Task {
            defer {
                Invocation.reap(group)
                Orphans.reap()
            }
            do {
                try started(group)
            } catch {
                tree.send(SIGKILL)
                _ = try await follow(tree, events, source, isCancelled)
                throw error
            }
            return try await follow(tree, events, source, isCancelled)
        }
        return try await withTaskCancellationHandler {
            try await watch.value
        } onCancel: {
            isCancelled.set()
            source.yield(.cancelled)
        }
    }

    /// Handles events until all processes of the tree have ended.
    private func follow(
        _ tree: ProcessTree, _ events: AsyncStream<Event>, _ source: AsyncStream<Event>.Continuation,
        _ isCancelled: Latch
    ) async throws -> End {
        var timers: [Task<Void, Never>] = []
        if let timeout { timers.append(Self.timer(timeout, by: clock) { source.yield(.timeOver) }) }
        var (isTimedOut, deadline): (Bool, ContinuousClock.Instant?) = (false, nil)
        var ended: Result<Invocation.Status, PBTError>?
        for await event in events {
            switch event {
            case .timeOver, .cancelled:
                guard deadline == nil else { continue }
                if case .timeOver = event { isTimedOut = !isCancelled.isSet }
                deadline = .now + grace
                tree.send(SIGTERM)
                timers.append(Self.timer(grace, by: ContinuousClock()) { source.yield(.graceOver) })
            case .graceOver:
                tree.send(SIGKILL)
            case .ended(let result):
                ended = result
                source.finish()
            }
            if ended != nil { break }
        }
        for timer in timers { timer.cancel() }
        await end(tree, until: isTimedOut || isCancelled.isSet ? deadline ?? .now + grace : nil)
        tree.close()
        await Self.wait(until: .now + .seconds(5), every: .milliseconds(2)) { ProcessTree.killStrays() }
        for timer in timers { await timer.value }
        guard let status = try ended?.get() else { throw CancellationError() }
        return isTimedOut ? .timedOut : isCancelled.isSet ? .cancelled : .ended(status)
    }

    /// Runs `body` after a time, unless the task is cancelled before.
    private static func timer(
        _ time: Duration, by clock: any Clock<Duration>, _ body: @escaping @Sendable () -> Void
    ) -> Task<Void, Never> {
        Task {
            do { try await clock.sleep(for: time) } catch { return }
            if !Task.isCancelled { body() }
        }
    }

    /// Ends the rest of a tree after its leader: immediately, or at the end of the grace period.
    private func end(_ tree: ProcessTree, until deadline: ContinuousClock.Instant?) async {
        guard tree.isAlive else { return }
        if let deadline {
            // The leader has ended within the grace period, but its child can still be saving.
            await Self.wait(until: deadline, every: .milliseconds(20)) { !tree.isAlive }
        }
        // Killed processes end soon, but not immediately, and can write until then; one can have started another
        // process meanwhile. There is a time limit, since a process that hangs in the kernel cannot be killed.
        await Self.wait(until: .now + .seconds(5), every: .milliseconds(2)) {
            guard tree.isAlive else { return true }
            tree.send(SIGKILL)
            return false
        }
    }

    /// Waits for a condition until a deadline.
    private static func wait(
        until deadline: ContinuousClock.Instant, every step: Duration, until isSo: () -> Bool
    ) async {
        var step = step
        while !isSo(), ContinuousClock.now < deadline {
            // The task that this runs in is never cancelled.
            try? await Task.sleep(for: step)
            step = min(step * 2, .milliseconds(100))
        }
    }
}
