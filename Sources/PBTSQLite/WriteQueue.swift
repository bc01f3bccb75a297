// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The queue of calls that await the next group commit.
final class WriteQueue: Sendable {
    /// A queued call.
    struct Job: Sendable {
        /// True if its writes must survive a power cut once it completes.
        let isDurable: Bool
        /// Runs the call and returns a function that completes it, with an error or without.
        let run: @Sendable (SQLiteLedger) throws -> @Sendable ((any Error)?) -> Void
        /// Completes the call with an error.
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
    /// The maximum number of calls per transaction, which bounds the time that the first waits for the last.
    private static let most = 256

    /// Makes the caller the writer if there is none, and returns true if so.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.isWriting else { return false }
            state.isWriting = true
            return true
        }
    }

    /// Ends writing, unless calls are queued.
    ///
    /// - Returns: True if calls are queued, which the caller must write.
    func end() -> Bool {
        state.withLock { state in
            state.isWriting = !state.jobs.isEmpty
            return state.isWriting
        }
    }

    /// Enqueues a call.
    ///
    /// - Returns: True if there was no writer, so that the caller must write the queue.
    @discardableResult
    func append(_ job: Job) -> Bool {
        state.withLock { state in
            state.jobs.append(job)
            defer { state.isWriting = true }
            return !state.isWriting
        }
    }

    /// Removes and returns the calls to write next.
    func take() -> [Job] {
        state.withLock { state in
            defer { state.jobs.removeFirst(min(Self.most, state.jobs.count)) }
            return Array(state.jobs.prefix(Self.most))
        }
    }
}
