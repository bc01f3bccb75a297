// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs one program in a process group of its own, and outlives every process of that group.
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

    /// Runs the program with its standard output and error going to a file, which is emptied first.
    ///
    /// - Parameters:
    ///   - log: The file.
    ///   - started: Called with the number of the group as soon as it is known; when it throws, the group is ended.
    /// - Returns: How the program ended.
    /// - Throws: When the program could not be started, what `started` threw, and `CancellationError` when the task was
    ///   cancelled before.
    func run(log: FilePath, started: @escaping @Sendable (Int32) throws -> Void) async throws -> End {
        let output: FileDescriptor
        do {
            output = try FileDescriptor.open(
                log, .writeOnly, options: [.create, .truncate, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch let errno as Errno {
            throw FileSystem.error("write", log, errno.rawValue)
        }
        defer { try? output.close() }
        try Task.checkCancellation()
        let (events, source) = AsyncStream<Event>.makeStream()
        let group = try await invocation.start(output: output) { source.yield(.ended($0)) }
        let isCancelled = Latch()
        // A task of its own, since what waits in one that is cancelled returns at once.
        let watch = Task {
            do {
                try started(group)
            } catch {
                kill(-group, SIGKILL)
                _ = try await follow(group, events, source, isCancelled)
                throw error
            }
            return try await follow(group, events, source, isCancelled)
        }
        return try await withTaskCancellationHandler {
            try await watch.value
        } onCancel: {
            isCancelled.set()
            source.yield(.cancelled)
        }
    }

    /// Heeds what happens until nothing of the group is left.
    private func follow(
        _ group: Int32, _ events: AsyncStream<Event>, _ source: AsyncStream<Event>.Continuation, _ isCancelled: Latch
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
                kill(-group, SIGTERM)
                timers.append(Self.timer(grace, by: ContinuousClock()) { source.yield(.graceOver) })
            case .graceOver:
                kill(-group, SIGKILL)
            case .ended(let result):
                ended = result
                source.finish()
            }
            if ended != nil { break }
        }
        for timer in timers { timer.cancel() }
        await end(group, until: isTimedOut || isCancelled.isSet ? deadline ?? .now + grace : nil)
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

    /// Ends what is left of a group after its leader: at once, or when the grace period is over.
    ///
    /// As long as a process of the group lives, its number is given to no other.
    private func end(_ group: Int32, until deadline: ContinuousClock.Instant?) async {
        guard Self.isAlive(group) else { return }
        if let deadline {
            // The leader ended within the grace period, maybe a shell that left its child behind to save.
            await Self.wait(until: deadline, every: .milliseconds(20)) { !Self.isAlive(group) }
        }
        // Killed processes vanish soon, but not at once, and may write until then. Not for ever: one that hangs in
        // the kernel cannot be killed.
        if kill(-group, SIGKILL) == 0 {
            await Self.wait(until: .now + .seconds(5), every: .milliseconds(2)) { !Self.isAlive(group) }
        }
    }

    /// Waits until something is so, but not after a time.
    private static func wait(
        until deadline: ContinuousClock.Instant, every step: Duration, until isSo: () -> Bool
    ) async {
        while !isSo(), ContinuousClock.now < deadline {
            // Nobody cancels the task that this runs in.
            try? await Task.sleep(for: step)
        }
    }

    /// Whether a process of a group lives: one that only waits to be reaped does not.
    static func isAlive(_ group: Int32) -> Bool {
        guard kill(-group, 0) == 0 || errno == EPERM else { return false }
        #if os(Linux)
            return ProcessIdentity.hasLivingMember(group: group)
        #else
            return true
        #endif
    }
}
