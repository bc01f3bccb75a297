// SPDX-License-Identifier: Apache-2.0

import PBT

extension Registration {
    /// Creates an experiment and its baseline in an open store, or resumes them.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - opened: The store.
    ///   - isRetrying: Whether a failed experiment is retried.
    ///   - changing: Called with the differences from the stored definition before that is changed; if it throws, the
    ///     store is not changed.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/alreadyExists`` when another definition has the name.
    init(
        _ experiment: Experiment, in opened: OpenStore, retrying isRetrying: Bool,
        changing: (Change) async throws -> Void = { _ in }
    ) async throws {
        try await opened.checkUnclaimed(experiment)
        self = try await opened.store.register(
            experiment, retryingFailed: isRetrying, preparing: { try await opened.copyingFounders(of: $0) },
            confirming: changing)
    }
}
