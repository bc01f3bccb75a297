// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

extension DataDirectory {
    /// Returns the unique identifier of this directory, and creates it if there is none: a worker that finds the
    /// server's identifier at the server's path shares the directory with the server.
    ///
    /// Stored in the file `.pbt-data`.
    ///
    /// - Returns: A string of letters and digits.
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func identity() throws -> String {
        let path = root.appending(".pbt-data")
        if let known = try existingIdentity() { return known }
        try make(root)
        var random = SystemRandomNumberGenerator()
        let fresh = "\(String(random.next(), radix: 36))\(String(random.next(), radix: 36))"
        let draft = root.appending(".pbt-data.\(fresh)")
        try FileSystem.write(fresh + "\n", to: draft)
        defer { unlink(draft.string) }
        // Linking is atomic: one process succeeds, and the file is complete.
        guard link(draft.string, path.string) == 0 || errno == EEXIST else {
            throw FileSystem.error("create", path, errno)
        }
        try FileSystem.synchronize(directory: root)
        return try existingIdentity() ?? fresh
    }

    /// Returns the unique identifier of this directory; nil if it has none or does not exist.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func existingIdentity() throws -> String? {
        guard let bytes = try FileSystem.tail(of: root.appending(".pbt-data"), limit: 256) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return text.isEmpty ? nil : text
    }
}
