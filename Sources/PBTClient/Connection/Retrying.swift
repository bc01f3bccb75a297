// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import PBT
import Synchronization

/// Makes calls again while the server is away, busy or restarting.
struct Retrying: Sendable {
    let connection: Connection
    /// What pauses go by.
    let clock: any Clock<Duration>

    /// Makes a call until it is answered.
    ///
    /// Every call of the API may be made again: what it does happens once.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - patience: How long it is made again; as the configuration says when not given.
    /// - Returns: The answer, and whether an earlier try may have taken effect without our seeing its answer.
    /// - Throws: A `PBTError`, or a `CancellationError`.
    func send(_ call: APICall, patience: Duration? = nil) async throws -> (answer: APIAnswer, isRepeated: Bool) {
        try await repeating(patience: patience) { try await connection.answer(call) }
    }

    /// Does something that may throw a ``RequestFailure`` until it does not, or the failure does not pass.
    ///
    /// - Parameters:
    ///   - patience: How long it is done again, since it last went on; as the configuration says when not given.
    ///   - progress: How far it is: whatever changes when it goes on.
    ///   - body: What is done.
    /// - Returns: What it returned, and whether an earlier try may have taken effect.
    /// - Throws: A `PBTError`, or a `CancellationError`.
    func repeating<Result>(
        patience: Duration? = nil, progress: () -> Int64 = { 0 }, _ body: () async throws -> Result
    ) async throws -> (answer: Result, isRepeated: Bool) {
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

/// Pauses that double, each shortened at random so that many clients do not come back at once.
struct Pauses: Sendable {
    private var most = Duration.milliseconds(100)

    /// The next pause: between half of it and all of it, 5 seconds at most.
    mutating func next() -> Duration {
        defer { most = min(most * 2, .seconds(5)) }
        return most * Double.random(in: 0.5...1)
    }
}

extension PBTError {
    /// The same error, saying for how long it was tried.
    fileprivate func after(_ time: Duration) -> PBTError {
        guard code == .unreachable, time >= .seconds(1) else { return self }
        return PBTError(code, "\(message) (tried for \(time.components.seconds) s)")
    }
}
