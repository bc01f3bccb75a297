// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The idempotency keys of claims; a key is used again after a claim whose outcome is unknown.
final class ClaimKeys: Sendable {
    private let doubtful = Mutex<[String: [String]]>([:])

    /// Makes a claim with an idempotency key.
    ///
    /// - Parameters:
    ///   - given: The caller's key; if nil, that of an earlier claim without a response, otherwise a new one.
    ///   - claimant: The worker and the experiment.
    ///   - body: The claim.
    /// - Returns: The result of the claim.
    /// - Throws: The error of the claim.
    func using<Result>(
        _ given: String?, for claimant: String, _ body: (String) async throws -> Result
    ) async throws -> Result {
        if let given { return try await body(given) }
        let key = doubtful.withLock { $0[claimant]?.popLast() } ?? Self.fresh()
        do {
            return try await body(key)
        } catch {
            let isRefused = (error as? PBTError).map { !Self.isInDoubt($0.code) } ?? false
            if !isRefused { doubtful.withLock { $0[claimant, default: []].append(key) } }
            throw error
        }
    }

    /// Returns true if a claim that failed with a code can have leased intervals.
    private static func isInDoubt(_ code: PBTError.Code) -> Bool {
        [.unreachable, .storeBusy, .badRequest, PBTError.Code("internal")].contains(code)
    }

    /// Returns a random key of 160 bits: 32 characters of 5 bits each.
    static func fresh() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567")
        var random = SystemRandomNumberGenerator()
        return String((0..<32).map { _ in letters[Int((random.next() as UInt64) & 31)] })
    }
}
