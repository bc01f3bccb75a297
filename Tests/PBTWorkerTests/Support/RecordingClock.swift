// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A clock whose sleeps are noted; short ones end at once, so that no test waits for a pause.
///
/// Sleeps of more than `limit` last until they are cancelled: timeouts and renewals that a test does not want.
final class RecordingClock: Clock {
    typealias Instant = ContinuousClock.Instant

    let limit: Duration
    private let slept = Mutex<[Duration]>([])

    init(limit: Duration = .seconds(10)) {
        self.limit = limit
    }

    var now: Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }

    /// The sleeps that ended at once, in order.
    var sleeps: [Duration] { slept.withLock { $0 } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let time = deadline - now
        if time > limit {
            try await ContinuousClock().sleep(until: deadline, tolerance: tolerance)
        } else {
            try Task.checkCancellation()
            slept.withLock { $0.append(time) }
        }
    }
}
