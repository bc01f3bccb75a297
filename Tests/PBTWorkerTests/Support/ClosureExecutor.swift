// SPDX-License-Identifier: Apache-2.0

@testable import PBTCheckpoints
@testable import PBTWorker

/// Trains by a closure.
struct ClosureExecutor: Executor {
    let body: @Sendable (Attempt) async -> AttemptEnd

    init(_ body: @escaping @Sendable (Attempt) async -> AttemptEnd) {
        self.body = body
    }

    func run(_ attempt: Attempt) async -> AttemptEnd {
        await body(attempt)
    }
}

/// Something that is waited for, once.
struct Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    /// Says that it happened.
    func send() {
        continuation.finish()
    }

    /// Waits until it happened, or the task is cancelled.
    func wait() async {
        for await _ in stream {}
    }
}
