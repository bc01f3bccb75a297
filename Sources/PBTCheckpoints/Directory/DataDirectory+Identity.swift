// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

extension DataDirectory {
    /// What tells this directory from every other: a worker that finds the server's identity at the server's path shares
    /// the directory with it.
    ///
    /// Kept in the file `.pbt-data`, which is made when it is first asked for.
    ///
    /// - Returns: A text of letters and digits.
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
        // A link is made whole, by one process only.
        guard link(draft.string, path.string) == 0 || errno == EEXIST else {
            throw FileSystem.error("make", path, errno)
        }
        try FileSystem.synchronize(directory: root)
        return try existingIdentity() ?? fresh
    }

    /// The identity that the directory has; none when it has none, or there is no such directory.
    ///
    /// - Throws: A `PBTError` with code `inputOutput` when it cannot be read.
    public func existingIdentity() throws -> String? {
        guard let bytes = try FileSystem.tail(of: root.appending(".pbt-data"), limit: 256) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return text.isEmpty ? nil : text
    }
}
