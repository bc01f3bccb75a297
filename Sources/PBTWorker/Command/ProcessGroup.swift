// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

/// Runs one program in a process group of its own, and outlives it and all its descendants (``ProcessTree``).
struct ProcessGroup {
    /// How the program ended.
    enum End: Sendable, Hashable {
        /// By itself, or by a signal that was not ours.
        case ended(Invocation.Status)
        /// It was stopped since its time was over.
        case timedOut
        /// It was stopped since the task was cancelled.
        case cancelled
    }

    /// The program.
    let invocation: Invocation
    /// What its processes have in their environment.
    let scope: ProcessScope
    /// How long it may run; none: for ever.
    let timeout: Duration?
    /// How long the group may take to end after SIGTERM.
    let grace: Duration
    /// What the timeout goes by.
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
    ///   - output: What takes its standard output; stays open.
    ///   - errors: What takes its standard error; stays open.
    ///   - started: Called with the number of the group as soon as it is known; when it throws, the group is ended.
    /// - Returns: How the program ended.
    /// - Throws: When the program could not be started, what `started` threw, and `CancellationError` when the task was
    ///   cancelled before.
    func run(
        output: FileDescriptor, errors: FileDescriptor, started: @escaping @Sendable (Int32) throws -> Void
    ) async throws -> End {
        try Task.checkCancellation()
        let (events, source) = AsyncStream<Event>.makeStream()
        let group = try await invocation.start(output: output, errors: errors) { source.yield(.ended($0)) }
        let isCancelled = Latch()
        // A task of its own, since what waits in one that is cancelled returns at once.
        let watch = Task {
            let tree = ProcessTree(leader: group, scope: scope)
            defer {
                tree.close()
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

    /// Handles what happens until nothing of the tree is left.
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
        for timer in timers { await timer.value }
        guard let status = try ended?.get() else { throw CancellationError() }
        return isTimedOut ? .timedOut : isCancelled.isSet ? .cancelled : .ended(status)
    }

    /// Does something later, unless it is cancelled before.
    private static func timer(
        _ time: Duration, by clock: any Clock<Duration>, _ body: @escaping @Sendable () -> Void
    ) -> Task<Void, Never> {
        Task {
            do { try await clock.sleep(for: time) } catch { return }
            if !Task.isCancelled { body() }
        }
    }

    /// Ends what is left of a tree after its leader: immediately, or when the grace period is over.
    private func end(_ tree: ProcessTree, until deadline: ContinuousClock.Instant?) async {
        guard tree.isAlive else { return }
        if let deadline {
            // The leader ended within the grace period, maybe a shell that left its child behind to save.
            await Self.wait(until: deadline, every: .milliseconds(20)) { !tree.isAlive }
        }
        // Killed processes vanish soon, but not immediately, and may write until then; one may have started another
        // meanwhile. There is a limit, since one that hangs in the kernel cannot be killed.
        await Self.wait(until: .now + .seconds(5), every: .milliseconds(2)) {
            guard tree.isAlive else { return true }
            tree.send(SIGKILL)
            return false
        }
    }

    /// Waits until something is so, but not after a time.
    private static func wait(
        until deadline: ContinuousClock.Instant, every step: Duration, until isSo: () -> Bool
    ) async {
        var step = step
        while !isSo(), ContinuousClock.now < deadline {
            // Nobody cancels the task that this runs in.
            try? await Task.sleep(for: step)
            step = min(step * 2, .milliseconds(100))
        }
    }
}
