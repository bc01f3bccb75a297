// SPDX-License-Identifier: Apache-2.0

import PBT

/// How a worker talks to a store that is busy, or away, for the moment.
struct Patience: Sendable {
    /// What pauses go by.
    let clock: any Clock<Duration>
    /// Where calls are made; on the threads that all tasks share when not given.
    var executor: (any TaskExecutor)?
    /// Whether a store that is away is waited for like one that is busy.
    var waitsForAbsent = true
    /// How long the calls of a cancelled task may take before they are cancelled too.
    var grace = Duration.seconds(10)

    /// Makes a call that a cancelled task makes too, and makes it again while the store is busy or away.
    ///
    /// A call that is cancelled half-way may or may not have taken effect; what was claimed or trained must not be in
    /// doubt. Once the task is cancelled, the call is given up after about ten seconds.
    ///
    /// - Parameters:
    ///   - tries: How often an error other than "busy" or "away", and one that may pass, is borne before it is thrown.
    ///   - isWanted: Asked before the call is made again; when it is not, the last error is thrown.
    ///   - body: The call.
    /// - Returns: What the call returned.
    /// - Throws: What the call threw last.
    func callToTheEnd<Result: Sendable>(
        bearing tries: Int = 0, while isWanted: () -> Bool = { true },
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        var pause = Duration.milliseconds(10)
        var failures = 0
        var triesLeftWhenCancelled = 40
        var cancelled: ContinuousClock.Instant?
        while true {
            do {
                let spent = cancelled.map { ContinuousClock.now - $0 } ?? .zero
                return try await outlasting(
                    Task(executorPreference: executor) { try await body() }, for: grace - spent)
            } catch let error as PBTError {
                switch error.code {
                case .storeBusy: break
                case .unreachable where waitsForAbsent: break
                case .unusableStore, .inputOutput:
                    failures += 1
                    guard failures <= tries else { throw error }
                default: throw error
                }
                if Task.isCancelled {
                    let since = cancelled ?? .now
                    cancelled = since
                    triesLeftWhenCancelled -= 1
                    guard triesLeftWhenCancelled > 0, .now - since < grace else { throw error }
                }
                guard isWanted() else { throw error }
            }
            let step = Task.isCancelled ? min(pause, .milliseconds(250)) : pause
            try await Task { [clock] in try await clock.sleep(for: step) }.value
            pause = min(pause * 2, .seconds(5))
        }
    }

    /// Waits for a task that goes on when this one is cancelled, but not for ever: a store may take minutes to be away.
    private func outlasting<Result: Sendable>(
        _ task: Task<Result, any Error>, for grace: Duration
    ) async throws -> Result {
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            Task { [clock] in
                do { try await clock.sleep(for: grace) } catch {}
                task.cancel()
            }
        }
    }

    /// Makes a call again while the store is busy or away.
    ///
    /// - Throws: What the call throws, and `CancellationError` when the task is cancelled between two calls.
    func call<Result>(_ body: () async throws -> Result) async throws -> Result {
        var pause = Duration.milliseconds(10)
        while true {
            do {
                return try await body()
            } catch let error as PBTError where isPassing(error) {
                try await clock.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }

    private func isPassing(_ error: PBTError) -> Bool {
        error.code == .storeBusy || (waitsForAbsent && error.code == .unreachable)
    }
}
