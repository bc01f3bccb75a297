// SPDX-License-Identifier: Apache-2.0

package import PBTCheckpoints
import PBTTesting
package import SystemPackage

/// A data directory of a test's own.
package func withData<Result>(_ body: (DataDirectory) async throws -> Result) async throws -> Result {
    try await withTemporaryDirectory { try await body(DataDirectory(FilePath($0).appending("data"))) }
}

extension FilePath {
    /// Writes a text file.
    package func write(_ text: String) throws {
        try FileSystem.write(text, to: self)
    }

    /// The file's text; none when there is no such file.
    package func text() throws -> String? {
        try FileSystem.tail(of: self, limit: 1 << 24).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether there is anything.
    package var isThere: Bool {
        get throws { try FileSystem.exists(self) }
    }

    /// The names in the directory, in order.
    package func names() throws -> [String] {
        try FileSystem.names(in: self)
    }
}
