// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Makes a new directory, and deletes it with all that is in it when the body is over.
///
/// - Parameter body: Gets the directory's absolute path.
/// - Returns: What the body returns.
/// - Throws: What the body throws, and an error when the directory cannot be made or deleted.
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

/// Deletes a directory in which files may vanish meanwhile: a database that is closed deletes its own.
private func remove(_ directory: URL) throws {
    for isLast in [false, false, false, true] {
        do {
            return try FileManager.default.removeItem(at: directory)
        } catch let error as CocoaError where error.code == .fileNoSuchFile && !isLast {
            // Once more, with what is left.
        }
    }
}
