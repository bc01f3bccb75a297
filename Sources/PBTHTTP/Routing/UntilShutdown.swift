// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle

/// Runs `body`, which a graceful shutdown cancels without an error.
///
/// - Throws: What `body` throws; `CancellationError` when the task was cancelled.
package func untilShutdown(_ body: @escaping @Sendable () async throws -> Void) async throws {
    do {
        try await cancelWhenGracefulShutdown(body)
    } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
        // The caller sees that the server shuts down.
    }
}
