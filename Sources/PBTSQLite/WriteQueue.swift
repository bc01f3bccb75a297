// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// Calls that wait while something is written; whoever has written goes on with all of them together.
final class WriteQueue: Sendable {
    /// One call.
    struct Job: Sendable {
        /// Whether what it writes must survive a power cut once it is answered.
        let isDurable: Bool
        /// Runs it; what it returns answers the caller, with an error or without.
        let run: @Sendable (SQLiteLedger) throws -> @Sendable ((any Error)?) -> Void
        /// Answers the caller with an error.
        let fail: @Sendable (any Error) -> Void

        init<Result: Sendable>(
            durable isDurable: Bool, _ continuation: CheckedContinuation<Result, any Error>,
            _ body: @escaping @Sendable (SQLiteLedger) throws -> Result
        ) {
            self.isDurable = isDurable
            run = { ledger in
                let result = try body(ledger)
                return { error in
                    if let error {
                        continuation.resume(throwing: error)
                    } else {
                        continuation.resume(returning: result)
                    }
                }
            }
            fail = { continuation.resume(throwing: $0) }
        }
    }

    private struct State {
        var jobs: [Job] = []
        var isWriting = false
    }

    private let state = Mutex(State())
    /// How many are written in one transaction: a bound on how long the first of them waits for the last.
    private static let most = 256

    /// Becomes the one who writes, if nobody does.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.isWriting else { return false }
            state.isWriting = true
            return true
        }
    }

    /// Ends to write, unless something waits.
    ///
    /// - Returns: Whether something waits, and the caller has to see to it that it is written.
    func end() -> Bool {
        state.withLock { state in
            state.isWriting = !state.jobs.isEmpty
            return state.isWriting
        }
    }

    /// Lets a call wait.
    ///
    /// - Returns: Whether nobody was writing, and the caller has to see to it that it is written.
    @discardableResult
    func append(_ job: Job) -> Bool {
        state.withLock { state in
            state.jobs.append(job)
            defer { state.isWriting = true }
            return !state.isWriting
        }
    }

    /// Takes the calls to write next.
    func take() -> [Job] {
        state.withLock { state in
            defer { state.jobs.removeFirst(min(Self.most, state.jobs.count)) }
            return Array(state.jobs.prefix(Self.most))
        }
    }
}
