// SPDX-License-Identifier: Apache-2.0

import NIOPosix

/// Runs a blocking operation on a thread that is not one of the concurrent executor's.
///
/// - Throws: What `body` throws; `CancellationError` when the task is cancelled before the operation starts.
package func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await NIOThreadPool.singleton.runIfActive(body)
}
