// SPDX-License-Identifier: Apache-2.0

package import PBT
import PBTAPI
import Synchronization

/// An authenticated caller.
package struct Caller: Sendable, Hashable {
    /// The token's name; none where no token is needed.
    package var name: String?
    /// The operations that are allowed.
    package var scope: Scope
    /// The public part of the token.
    package var token: String?

    /// Creates a caller.
    package init(name: String?, scope: Scope, token: String? = nil) {
        self.name = name
        self.scope = scope
        self.token = token
    }
}

/// Authenticates callers, and limits failed attempts.
package final class Access: Sendable {
    /// A rule of admission.
    package enum Rule: Sendable {
        /// Everyone who reaches the address: loopback, or an explicit choice.
        case open
        /// Holders of tokens.
        case tokens(any TokenStore)
    }

    private let rule: Rule
    private let clock: StoreClock
    /// Lookups that failed, by address, since when.
    private let failures = Mutex<[String: (count: Int, since: Timestamp)]>([:])

    /// The time at which the token of each follower of a stream was last looked up.
    private let checked = Mutex<[String: ContinuousClock.Instant]>([:])

    /// The number of wrong tokens that an address may send in a minute.
    private static let failureLimit = 20

    /// The most addresses, or tokens, that are remembered.
    private static let remembered = 10_000

    package init(_ rule: Rule, clock: StoreClock) {
        self.rule = rule
        self.clock = clock
    }

    /// True if requests need a token.
    package var needsToken: Bool {
        if case .tokens = rule { true } else { false }
    }

    /// Authenticates the sender of an `Authorization` field.
    ///
    /// - Parameters:
    ///   - field: The field's value, if there is one.
    ///   - address: Where the request came from.
    /// - Returns: The caller.
    /// - Throws: A `PBTError` with code `unauthorized`, or a ``Problem`` with status 429.
    package func caller(showing field: String?, from address: String) async throws -> Caller {
        guard case .tokens(let store) = rule else { return Caller(name: nil, scope: .admin) }
        guard let field else {
            throw PBTError(
                .unauthorized,
                "authentication required: send Authorization: Bearer TOKEN; create one with: pbt token create NAME")
        }
        let now = clock.now()
        guard field.lowercased().hasPrefix("bearer "),
            let record = try await record(
                of: String(field.dropFirst(7).drop { $0 == " " }), in: store)
        else {
            try fail(address, now)
            throw PBTError(
                .unauthorized, "unknown or revoked token; create one with: pbt token create NAME")
        }
        try check(record, now)
        return Caller(name: record.name, scope: record.scope, token: record.id)
    }

    /// Checks a caller again after a wait: the token may have been revoked, or have expired.
    ///
    /// - Throws: A `PBTError` with code `unauthorized`.
    package func checkAgain(_ caller: Caller) async throws {
        guard case .tokens(let store) = rule, let id = caller.token else { return }
        guard let record = try await store.token(id: id) else {
            throw PBTError(.unauthorized, "the token \"\(caller.name ?? "")\" was revoked")
        }
        try check(record, clock.now())
    }

    /// Checks a caller again, but each token at most once in a period.
    ///
    /// - Throws: A `PBTError` with code `unauthorized`.
    package func checkAgain(_ caller: Caller, atMostEvery time: Duration) async throws {
        guard case .tokens = rule, let id = caller.token else { return }
        let now = ContinuousClock.now
        let isFresh = checked.withLock { checked in
            if let last = checked[id], now - last < time { return true }
            if checked.count >= Self.remembered { checked = [:] }
            checked[id] = now
            return false
        }
        guard !isFresh else { return }
        do {
            try await checkAgain(caller)
        } catch {
            // The others are to find out too.
            checked.withLock { $0[id] = nil }
            throw error
        }
    }

    private func check(_ record: TokenRecord, _ now: Timestamp) throws {
        guard let expires = record.expires, expires <= now else { return }
        throw PBTError(
            .unauthorized,
            "the token \"\(record.name)\" expired at \(expires); create a new one with: pbt token create NAME")
    }

    private func record(of text: String, in store: any TokenStore) async throws -> TokenRecord? {
        guard let id = Token.id(of: text), let record = try await store.token(id: id), Token.matches(text, record)
        else { return nil }
        return record
    }

    /// Counts a wrong token.
    ///
    /// Those who show a good one are let in all the same: behind a proxy, all come from one address.
    private func fail(_ address: String, _ now: Timestamp) throws {
        let isTooMany = failures.withLock { failures in
            if failures.count >= Self.remembered, failures[address] == nil {
                // Expired counts go first; addresses that are refused stay refused.
                failures = failures.filter { now.since($0.value.since) <= .seconds(60) }
                if failures.count >= Self.remembered {
                    failures = failures.filter { $0.value.count > Self.failureLimit }
                }
                if failures.count >= Self.remembered { failures = [:] }
            }
            var known = failures[address] ?? (0, now)
            if now.since(known.since) > .seconds(60) { known = (0, now) }
            known.count += 1
            failures[address] = known
            return known.count > Self.failureLimit
        }
        if isTooMany {
            throw Problem(
                429, "tooManyRequests", "too many wrong tokens from this address; wait a minute", retryAfter: 60)
        }
    }
}
