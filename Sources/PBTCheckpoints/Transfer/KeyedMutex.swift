// SPDX-License-Identifier: Apache-2.0

/// An asynchronous mutex for each key: tasks that need the same thing run one after another, so that the first one does
/// the work and the others find it done.
package actor KeyedMutex<Key: Hashable & Sendable> {
    private var waiting: [Key: [CheckedContinuation<Void, Never>]] = [:]

    package init() {}

    /// Runs `body` while no other task holds the lock of the same key.
    ///
    /// Tasks acquire the lock in the order of their calls.
    ///
    /// - Throws: What `body` throws.
    package nonisolated func withLock<Result>(_ key: Key, _ body: () async throws -> Result) async throws -> Result {
        await lock(key)
        let result: Result
        do {
            result = try await body()
        } catch {
            await unlock(key)
            throw error
        }
        await unlock(key)
        return result
    }

    private func lock(_ key: Key) async {
        guard waiting[key] != nil else {
            waiting[key] = []
            return
        }
        await withCheckedContinuation { waiting[key]?.append($0) }
    }

    private func unlock(_ key: Key) {
        guard let next = waiting[key]?.first else {
            waiting[key] = nil
            return
        }
        waiting[key]?.removeFirst()
        next.resume()
    }
}
