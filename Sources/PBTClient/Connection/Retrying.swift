// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import PBT
import Synchronization

/// A connection that retries calls while the server is unreachable, busy, or restarting.
struct Retrying: Sendable {
    let connection: Connection
    /// The clock of the pauses.
    let clock: any Clock<Duration>

    /// Makes a call and retries it until there is a response.
    ///
    /// Every call of the API is idempotent.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - patience: The time for which it is retried; that of the configuration if nil.
    /// - Returns: The response, and true if the call was retried, so that an earlier attempt can have taken effect.
    /// - Throws: A `PBTError`, or a `CancellationError`.
    func send(_ call: APICall, patience: Duration? = nil) async throws -> (response: APIResponse, isRepeated: Bool) {
        try await repeating(patience: patience) { try await connection.response(to: call) }
    }

    /// Runs an operation and retries it after a retryable ``RequestFailure``, with exponential backoff and jitter.
    ///
    /// - Parameters:
    ///   - patience: The time for which it is retried without progress; that of the configuration if nil.
    ///   - progress: Returns a number that changes when the operation makes progress.
    ///   - body: The operation.
    /// - Returns: Its result, and true if it was retried, so that an earlier attempt can have taken effect.
    /// - Throws: A `PBTError`, or a `CancellationError`.
    func repeating<Result>(
        patience: Duration? = nil, progress: () -> Int64 = { 0 }, _ body: () async throws -> Result
    ) async throws -> (response: Result, isRepeated: Bool) {
        let patience = patience ?? connection.configuration.patience
        var began = ContinuousClock.now
        var pauses = Pauses()
        var known = progress()
        var isRepeated = false
        while true {
            let failure: RequestFailure
            do {
                return (try await body(), isRepeated)
            } catch let caught as RequestFailure {
                failure = caught
            }
            if progress() != known {
                known = progress()
                began = ContinuousClock.now
                pauses = Pauses()
            }
            let left = patience - (ContinuousClock.now - began)
            let pause = max(pauses.next(), failure.retryAfter ?? .zero)
            guard failure.isRetryable, pause <= left else {
                throw isRepeated && failure.isRetryable ? failure.error.after(patience) : failure.error
            }
            isRepeated = true
            try await clock.sleep(for: pause)
        }
    }
}

/// The pauses of an exponential backoff with jitter.
struct Pauses: Sendable {
    private var most = Duration.milliseconds(100)

    /// Returns the next pause: a random part, at least half, of an interval that doubles from 100 ms to 5 s.
    mutating func next() -> Duration {
        defer { most = min(most * 2, .seconds(5)) }
        return most * Double.random(in: 0.5...1)
    }
}

extension PBTError {
    /// Returns the error with the time for which the call was retried.
    fileprivate func after(_ time: Duration) -> PBTError {
        guard code == .unreachable, time >= .seconds(1) else { return self }
        return PBTError(code, "\(message) (tried for \(time.components.seconds) s)")
    }
}
