// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs a closure with a new directory, and deletes the directory afterwards.
///
/// - Parameter body: The closure; gets the directory's absolute path.
/// - Returns: The result of the closure.
/// - Throws: The errors of the closure, and an error if the directory cannot be created or deleted.
public func withTemporaryDirectory<Result>(
    _ body: (String) async throws -> Result
) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "pbt-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let result: Result
    do {
        result = try await body(directory.path(percentEncoded: false))
    } catch {
        try remove(directory)
        throw error
    }
    try remove(directory)
    return result
}

/// Deletes a directory in which files may disappear meanwhile, such as those of a database that is being closed.
private func remove(_ directory: URL) throws {
    for isLast in [false, false, false, true] {
        do {
            return try FileManager.default.removeItem(at: directory)
        } catch let error as CocoaError where error.code == .fileNoSuchFile && !isLast {
            // Retry with the remaining files.
        }
    }
}
