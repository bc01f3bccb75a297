// SPDX-License-Identifier: Apache-2.0

import PBTHTTP
import HTTPTypes
import PBT
import PBTAPI
import Synchronization

/// The responses to writes with an `Idempotency-Key`, for callers that did not get them and retry.
///
/// Kept in memory for a day, and lost when the server restarts.
final class IdempotencyCache: Sendable {
    private enum State {
        case inProgress
        case answered(Value, status: Int)
    }

    private struct Entry {
        let fingerprint: String
        var state: State
        let since: ContinuousClock.Instant
    }

    private let entries = Mutex<[String: Entry]>([:])
    private static let most = 10_000

    /// Does something at most once for a key.
    ///
    /// - Parameters:
    ///   - key: The key that the caller sent; without one it is done each time.
    ///   - call: What was asked, by whom; the same key may stand for one of them only.
    ///   - body: What is to be done; what it throws is not remembered.
    /// - Returns: The answer, now or then.
    /// - Throws: What `body` throws; a ``Problem`` for a key that stands for something else or is being worked on.
    func once(
        _ key: String?, for call: [UInt8], _ body: () async throws -> (Value, status: Int)
    ) async throws -> (Value, status: Int) {
        guard let key else { return try await body() }
        guard (1...128).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw PBTError(.badRequest, "Idempotency-Key: must be 1 to 128 visible ASCII characters")
        }
        let fingerprint = Fingerprint.text(of: call)
        if let known = try begin(key, fingerprint) { return known }
        do {
            let answer = try await body()
            entries.withLock { $0[key]?.state = .answered(answer.0, status: answer.status) }
            return answer
        } catch {
            entries.withLock { $0[key] = nil }
            throw error
        }
    }

    private func begin(_ key: String, _ fingerprint: String) throws -> (Value, status: Int)? {
        try entries.withLock { entries in
            let now = ContinuousClock.now
            if entries.count >= Self.most { entries = entries.filter { now - $0.value.since < .seconds(600) } }
            guard let entry = entries[key], now - entry.since < .seconds(86400) else {
                entries[key] = Entry(fingerprint: fingerprint, state: .inProgress, since: now)
                return nil
            }
            guard entry.fingerprint == fingerprint else {
                throw PBTError(
                    .badValue, "the Idempotency-Key \"\(key)\" was used for another request; choose a new one for each")
            }
            switch entry.state {
            case .answered(let value, let status): return (value, status)
            case .inProgress:
                throw Problem(
                    409, "inProgress", "a request with this Idempotency-Key is being worked on; ask again",
                    retryAfter: 1)
            }
        }
    }
}
