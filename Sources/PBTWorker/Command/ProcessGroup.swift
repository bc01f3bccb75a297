// SPDX-License-Identifier: Apache-2.0

import PBT
import Subprocess
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
        case ended(TerminationStatus)
        /// It was stopped since its time was over.
        case timedOut
        /// It was stopped since the task was cancelled.
        case cancelled
    }

    /// The program; its platform options ask for a group of its own and for a teardown of the group.
    let configuration: Configuration
    /// How long it may run; none: for ever.
    let timeout: Duration?
    /// How long the group may take to end after SIGTERM.
    let grace: Duration
    /// What both go by.
    let clock: any Clock<Duration>

    private enum Race: Sendable {
        case ended(TerminationStatus, group: Int32)
        case timeOver
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
        return try await withThrowingTaskGroup(of: Race.self) { tasks in
            let configuration = configuration
            tasks.addTask {
                // Cancelling this task ends the group: see the platform options.
                let result = try await Subprocess.run(
                    configuration, input: .none,
                    output: .fileDescriptor(output, closeAfterSpawningProcess: false),
                    error: .fileDescriptor(output, closeAfterSpawningProcess: false)
                ) { execution in
                    let group = execution.processIdentifier.value
                    try started(group)
                    return group
                }
                return .ended(result.terminationStatus, group: result.closureResult)
            }
            if let timeout {
                tasks.addTask { [clock] in
                    do { try await clock.sleep(for: timeout) } catch {
                        // Cancelled: the program ended, or all of this is being stopped. The other task says which.
                    }
                    return .timeOver
                }
            }
            var isTimedOut = false
            while let event = try await tasks.next() {
                switch event {
                case .timeOver:
                    isTimedOut = !Task.isCancelled
                    tasks.cancelAll()
                case .ended(let status, let group):
                    let isCancelled = Task.isCancelled
                    tasks.cancelAll()
                    await end(group, gently: isTimedOut || isCancelled)
                    return isTimedOut ? .timedOut : isCancelled ? .cancelled : .ended(status)
                }
            }
            throw CancellationError()
        }
    }

    /// Ends what is left of a group after its leader: at once, or after what is left of the grace period.
    ///
    /// As long as a process of the group lives, its number is given to no other.
    private func end(_ group: Int32, gently: Bool) async {
        guard Self.isAlive(group) else { return }
        if gently {
            // The leader ended within the grace period, maybe a shell that left its child behind to save.
            await Self.wait(for: grace, every: .milliseconds(20)) { !Self.isAlive(group) }
        }
        // Killed processes vanish soon, but not at once, and may write until then. Not for ever: one that hangs in
        // the kernel cannot be killed.
        if kill(-group, SIGKILL) == 0 {
            await Self.wait(for: .seconds(5), every: .milliseconds(2)) { !Self.isAlive(group) }
        }
    }

    /// Waits until something is so, but no longer than a time, whether or not the task is cancelled.
    private static func wait(
        for time: Duration, every step: Duration, until isSo: @escaping @Sendable () -> Bool
    ) async {
        // A task of its own, since a sleep in one that is cancelled returns at once.
        await Task {
            let end = ContinuousClock.now.advanced(by: time)
            while !isSo(), ContinuousClock.now < end, !Task.isCancelled {
                try? await Task.sleep(for: step)
            }
        }.value
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
