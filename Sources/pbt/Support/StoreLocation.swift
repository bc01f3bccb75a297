// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTClient
import SystemPackage

/// Where a store is.
enum StoreLocation: Sendable, CustomStringConvertible {
    /// In this file; absolute.
    case file(FilePath)
    /// Behind this server.
    case server(ServerAddress)

    /// Reads a path or a URL.
    ///
    /// - Throws: A ``Failure`` for a kind of store that this build does not have.
    init(_ text: String) throws {
        guard !text.isEmpty else {
            throw Failure(.usage, "the store's name is empty; give a path, for example --store pbt.sqlite")
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].hasPrefix("//") else {
            self = .file(try absolute(FilePath(text)))
            return
        }
        switch parts[0].lowercased() {
        case "sqlite" where parts[1].hasPrefix("///") && parts[1].count > 3:
            // Some write sqlite:////absolute and sqlite:///relative, others sqlite:///absolute. Both are understood: a
            // lone file name lies in the current directory, and all else is absolute.
            let name = parts[1].drop { $0 == "/" }
            let isLone = !name.contains("/") && !parts[1].hasPrefix("////")
            self = .file(try absolute(FilePath(isLone ? String(name) : "/" + name)))
        case "sqlite":
            throw Failure(.usage, "\"\(text)\" has no path; write sqlite:///path/to/pbt.sqlite")
        case "postgresql", "postgres":
            throw Failure(
                .unreachable, "PostgreSQL stores are not in this build (\(text)); use a file: --store pbt.sqlite")
        case "http", "https":
            self = .server(try ServerAddress(text))
        case let other:
            throw Failure(
                .usage,
                "unknown kind of store \"\(other)\" in \"\(text)\"; give a path, sqlite:///path, or https://host:7070")
        }
    }

    /// The path or URL.
    var description: String {
        switch self {
        case .file(let path): path.string
        case .server(let address): "\(address)"
        }
    }
}
