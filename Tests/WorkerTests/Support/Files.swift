// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBTTesting
import SystemPackage

@testable import PBTWorker

/// A data directory of a test's own.
func withData<Result>(_ body: (DataDirectory) async throws -> Result) async throws -> Result {
    try await withTemporaryDirectory { try await body(DataDirectory(FilePath($0).appending("data"))) }
}

extension FilePath {
    /// Writes a text file.
    func write(_ text: String) throws {
        try FileSystem.write(text, to: self)
    }

    /// The file's text; none when there is no such file.
    func text() throws -> String? {
        try FileSystem.tail(of: self, limit: 1 << 24).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether there is anything.
    var isThere: Bool {
        get throws { try FileSystem.exists(self) }
    }

    /// The names in the directory, in order.
    func names() throws -> [String] {
        try FileSystem.names(in: self)
    }
}
