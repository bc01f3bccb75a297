// SPDX-License-Identifier: Apache-2.0

import PBT

/// Retries calls of a store that is busy or unreachable, with exponential backoff.
struct RetryPolicy: Sendable {
    /// The clock of the pauses.
    let clock: any Clock<Duration>
    /// The executor of the calls; the global concurrent executor if nil.
    var executor: (any TaskExecutor)?
    /// Whether calls are also retried while the store is unreachable.
    var retriesUnreachable = true
    /// The time that the calls of a cancelled task may take before they are cancelled too.
    var grace = Duration.seconds(10)

    /// Makes a call that a cancellation of the task does not interrupt, and retries it while the store is busy or
    /// unreachable.
    ///
    /// A call that is cancelled halfway may or may not have taken effect, and claims and results must not be left in
    /// doubt. Once the task is cancelled, the call may take another ten seconds or so.
    ///
    /// - Parameters:
    ///   - tolerated: The number of I/O errors (`inputOutput`, `unusableStore`) after which the call is retried.
    ///   - isWanted: Returns whether the call is still wanted; otherwise the last error is thrown instead of a retry.
    ///   - body: The call.
    /// - Returns: The result of the call.
    /// - Throws: The last error of the call.
    func callDespiteCancellation<Result: Sendable>(
        toleratingFailures tolerated: Int = 0, while isWanted: () -> Bool = { true },
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        var pause = Duration.milliseconds(10)
        var failures = 0
        var triesLeftWhenCancelled = 40
        var cancelled: ContinuousClock.Instant?
        while true {
            do {
                let spent = cancelled.map { ContinuousClock.now - $0 } ?? .zero
                return try await value(
                    of: Task(executorPreference: executor) { try await body() }, allowing: grace - spent)
            } catch let error as PBTError {
                switch error.code {
                case .storeBusy: break
                case .unreachable where retriesUnreachable: break
                case .unusableStore, .inputOutput:
                    failures += 1
                    guard failures <= tolerated else { throw error }
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

    /// Waits for an unstructured task, which is cancelled only after a grace period when this one is cancelled: it may
    /// take minutes to find that a store is unreachable.
    private func value<Result: Sendable>(
        of task: Task<Result, any Error>, allowing grace: Duration
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

    /// Makes a call, and retries it while the store is busy or unreachable.
    ///
    /// - Returns: The result of the call.
    /// - Throws: What the call throws; `CancellationError` when the task is cancelled between two attempts.
    func call<Result>(_ body: () async throws -> Result) async throws -> Result {
        var pause = Duration.milliseconds(10)
        while true {
            do {
                return try await body()
            } catch let error as PBTError where isRetryable(error) {
                try await clock.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }

    private func isRetryable(_ error: PBTError) -> Bool {
        error.code == .storeBusy || (retriesUnreachable && error.code == .unreachable)
    }
}
