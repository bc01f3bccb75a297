// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization
import Testing

@testable import PBTWorker

@Suite(.timeLimit(.minutes(10))) struct `Calls to a store` {
    let clock = RecordingClock()
    let busy = PBTError(.storeBusy, "busy")

    /// Fails with an error some times, then succeeds with the number of the call.
    private func flaky(_ times: Int, _ error: PBTError) -> @Sendable () async throws -> Int {
        let calls = Counter()
        return {
            let call = calls.next()
            if call <= times { throw error }
            return call
        }
    }

    @Test func `are made again while the store is busy, after pauses that grow`() async throws {
        #expect(try await RetryPolicy(clock: clock).callDespiteCancellation(flaky(4, busy)) == 5)
        #expect(clock.sleeps.map { ($0 / .milliseconds(10)).rounded() } == [1, 2, 4, 8])
        #expect(try await RetryPolicy(clock: clock).call(flaky(2, busy)) == 3)
    }

    @Test func `wait for a store that is away like for one that is busy, unless they are told not to`() async throws {
        let away = PBTError(.unreachable, "away")
        #expect(try await RetryPolicy(clock: clock).callDespiteCancellation(flaky(50, away)) == 51)
        #expect(try await RetryPolicy(clock: clock).call(flaky(50, away)) == 51)
        let impatient = RetryPolicy(clock: clock, retriesUnreachable: false)
        await #expect(throws: away) { try await impatient.callDespiteCancellation(flaky(1, away)) }
        await #expect(throws: away) { try await impatient.call(flaky(1, away)) }
    }

    @Test func `are not made again once they are not wanted`() async throws {
        await #expect(throws: busy) {
            try await RetryPolicy(clock: clock).callDespiteCancellation(while: { false }, flaky(1, busy))
        }
        #expect(clock.sleeps.isEmpty)
    }

    @Test(arguments: [PBTError.Code.unusableStore, .inputOutput])
    func `bear what may pass as often as they are told`(_ code: PBTError.Code) async throws {
        let error = PBTError(code, "away")
        #expect(
            try await RetryPolicy(clock: clock).callDespiteCancellation(toleratingFailures: 2, flaky(2, error)) == 3)
        await #expect(throws: error) {
            try await RetryPolicy(clock: clock).callDespiteCancellation(toleratingFailures: 2, flaky(3, error))
        }
    }

    @Test func `throw at once what cannot pass`() async throws {
        let error = PBTError(.leaseLost, "lost")
        await #expect(throws: error) {
            try await RetryPolicy(clock: clock).callDespiteCancellation(toleratingFailures: 9, flaky(1, error))
        }
        #expect(clock.sleeps.isEmpty)
    }

    @Test func `are made by a cancelled task too, as a result must not be lost, but not for ever`() async throws {
        let (clock, busy) = (clock, busy)
        let few = flaky(3, busy)
        let many = flaky(1000, busy)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            // By the number of tries alone: a machine with much else to do may take long for a few.
            let retryPolicy = RetryPolicy(clock: clock, grace: .seconds(3600))
            let result = try await retryPolicy.callDespiteCancellation(few)
            await #expect(throws: busy) { try await retryPolicy.callDespiteCancellation(many) }
            return result
        }
        #expect(try await task.value == 4)
    }
}

/// Counts from 1.
private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
