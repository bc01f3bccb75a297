// SPDX-License-Identifier: Apache-2.0

/// Lets one after the other do what is the same for all who want it, so that the first does the work.
package actor Turns<Key: Hashable & Sendable> {
    private var waiting: [Key: [CheckedContinuation<Void, Never>]] = [:]

    package init() {}

    /// Waits for its turn with a key, and does something.
    ///
    /// - Throws: What `body` throws.
    package nonisolated func taking<Result>(_ key: Key, _ body: () async throws -> Result) async throws -> Result {
        await enter(key)
        let result: Result
        do {
            result = try await body()
        } catch {
            await leave(key)
            throw error
        }
        await leave(key)
        return result
    }

    private func enter(_ key: Key) async {
        guard waiting[key] != nil else {
            waiting[key] = []
            return
        }
        await withCheckedContinuation { waiting[key]?.append($0) }
    }

    private func leave(_ key: Key) {
        guard let next = waiting[key]?.first else {
            waiting[key] = nil
            return
        }
        waiting[key]?.removeFirst()
        next.resume()
    }
}
