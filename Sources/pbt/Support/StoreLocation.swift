// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTClient
import SystemPackage

/// The location of a store.
enum StoreLocation: Sendable, CustomStringConvertible {
    /// A file; absolute.
    case file(FilePath)
    /// A server.
    case server(ServerAddress)

    /// Parses a path or a URL.
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
            // Some write sqlite:////absolute and sqlite:///relative, others sqlite:///absolute. Both are accepted: a
            // lone file name is in the current directory, and everything else is absolute.
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

    /// Finds the store that a command works on.
    ///
    /// - Parameters:
    ///   - store: The store on the command line; `PBT_STORE`, then `pbt.sqlite` in the directory when there is none.
    ///   - directory: The directory of the default store; the current directory when none is given.
    /// - Throws: A ``Failure`` for a kind of store that this build does not have.
    init(named store: String?, in directory: FilePath? = nil) throws {
        if let store = store ?? environment("PBT_STORE") {
            try self.init(store)
        } else {
            self = .file((try directory ?? currentDirectory()).appending("pbt.sqlite"))
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
