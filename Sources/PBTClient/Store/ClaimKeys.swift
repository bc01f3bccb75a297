// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The secrets that make claims safe to repeat, and which of them are in doubt.
final class ClaimKeys: Sendable {
    private let doubtful = Mutex<[String: [String]]>([:])

    /// Makes a claim with a key.
    ///
    /// - Parameters:
    ///   - given: The caller's key; when not given, one that was used before without an answer, else a new one.
    ///   - claimant: Who claims from where.
    ///   - body: The claim.
    /// - Returns: What the claim returned.
    /// - Throws: What the claim threw.
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

    /// Whether a claim that failed so may have taken something.
    private static func isInDoubt(_ code: PBTError.Code) -> Bool {
        [.unreachable, .storeBusy, .badRequest, PBTError.Code("internal")].contains(code)
    }

    /// 32 characters of 5 bits each, from the system's random numbers.
    static func fresh() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567")
        var random = SystemRandomNumberGenerator()
        return String((0..<32).map { _ in letters[Int((random.next() as UInt64) & 31)] })
    }
}
