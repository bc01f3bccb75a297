// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import Synchronization

/// Who asks, once that is known.
struct Caller: Sendable, Hashable {
    /// The token's name; none where no token is needed.
    var name: String?
    /// What they may do.
    var scope: Scope
}

/// Decides who may ask for what.
final class Access: Sendable {
    /// Who is let in.
    enum Rule: Sendable {
        /// Everyone who reaches the address: loopback, or an explicit choice.
        case open
        /// Holders of tokens.
        case tokens(any TokenStore)
    }

    private let rule: Rule
    private let clock: StoreClock
    /// Lookups that failed, by address, since when.
    private let failures = Mutex<[String: (count: Int, since: Timestamp)]>([:])

    /// How many wrong tokens an address may show in a minute.
    private static let patience = 20

    init(_ rule: Rule, clock: StoreClock) {
        self.rule = rule
        self.clock = clock
    }

    /// Whether a token is needed.
    var needsToken: Bool {
        if case .tokens = rule { true } else { false }
    }

    /// Finds out who shows an `Authorization` field.
    ///
    /// - Parameters:
    ///   - field: The field's value, if there is one.
    ///   - address: Where the request came from.
    /// - Returns: The caller.
    /// - Throws: A `PBTError` with code `unauthorized`, or a ``Problem`` with status 429.
    func caller(showing field: String?, from address: String) async throws -> Caller {
        guard case .tokens(let store) = rule else { return Caller(name: nil, scope: .admin) }
        guard let field else {
            throw PBTError(
                .unauthorized,
                "a token is needed: send Authorization: Bearer TOKEN; make one with: pbt token create NAME")
        }
        let now = clock.now()
        try checkPatience(address, now)
        guard field.lowercased().hasPrefix("bearer "),
            let record = try await record(
                of: String(field.dropFirst(7).drop { $0 == " " }), in: store)
        else {
            fail(address, now)
            throw PBTError(
                .unauthorized, "the token is not known here, or was revoked; make one with: pbt token create NAME")
        }
        if let expires = record.expires, expires <= now {
            throw PBTError(
                .unauthorized,
                "the token \"\(record.name)\" expired at \(expires); make a new one with: pbt token create NAME")
        }
        return Caller(name: record.name, scope: record.scope)
    }

    private func record(of text: String, in store: any TokenStore) async throws -> TokenRecord? {
        guard let id = Token.id(of: text), let record = try await store.token(id: id), Token.matches(text, record)
        else { return nil }
        return record
    }

    private func checkPatience(_ address: String, _ now: Timestamp) throws {
        let isTooMany = failures.withLock { failures in
            guard let (count, since) = failures[address] else { return false }
            if now.since(since) > .seconds(60) {
                failures[address] = nil
                return false
            }
            return count >= Self.patience
        }
        if isTooMany {
            throw Problem(
                429, "tooManyRequests", "too many wrong tokens from this address; wait a minute", retryAfter: 60)
        }
    }

    private func fail(_ address: String, _ now: Timestamp) {
        failures.withLock { failures in
            if failures.count > 10_000 { failures = [:] }
            let known = failures[address]
            failures[address] = ((known?.count ?? 0) + 1, known?.since ?? now)
        }
    }
}
