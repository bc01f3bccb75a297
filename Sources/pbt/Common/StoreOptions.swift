// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTSQLite
import SystemPackage

/// Which store a command works on.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The store: a path or sqlite:///path. Default: PBT_STORE, else pbt.sqlite beside the experiment file, or here.",
            valueName: "store"))
    var store: String?

    /// Where the store is.
    ///
    /// - Parameter directory: Where the default store lies; the current directory when none is given.
    /// - Returns: A place where there may be no store yet.
    /// - Throws: A ``Failure`` for a kind of store that this build does not have.
    func location(in directory: FilePath? = nil) throws -> StoreLocation {
        if let store = store ?? environment("PBT_STORE") { return try StoreLocation(store) }
        return StoreLocation(path: (try directory ?? currentDirectory()).appending("pbt.sqlite"))
    }

    /// Opens the store.
    ///
    /// - Parameters:
    ///   - directory: Where the default store lies; the current directory when none is given.
    ///   - isCreating: Whether a missing store is made; otherwise it is an error.
    /// - Returns: The open store.
    /// - Throws: A ``Failure``, or a ``PBTError`` with code ``PBTError/Code/unusableStore``.
    func open(in directory: FilePath? = nil, creating isCreating: Bool = false) throws -> OpenStore {
        try OpenStore(location(in: directory), creating: isCreating)
    }
}

/// Where a store is.
struct StoreLocation: Sendable {
    /// Its file; absolute.
    let path: FilePath

    /// The store at that path.
    init(path: FilePath) {
        self.path = path
    }

    /// Reads a path or a URL.
    ///
    /// - Throws: A ``Failure`` for a kind of store that this build does not have.
    init(_ text: String) throws {
        guard !text.isEmpty else {
            throw Failure(.usage, "the store's name is empty; give a path, for example --store pbt.sqlite")
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].hasPrefix("//") {
            switch parts[0].lowercased() {
            case "sqlite" where parts[1].hasPrefix("///") && parts[1].count > 3:
                // Some write sqlite:////absolute and sqlite:///relative, others sqlite:///absolute. Both are understood:
                // a lone file name lies in the current directory, and all else is absolute.
                let name = parts[1].drop { $0 == "/" }
                let isLone = !name.contains("/") && !parts[1].hasPrefix("////")
                self.init(path: try absolute(FilePath(isLone ? String(name) : "/" + name)))
            case "sqlite":
                throw Failure(.usage, "\"\(text)\" has no path; write sqlite:///path/to/pbt.sqlite")
            case "postgresql", "postgres":
                throw Failure(
                    .unreachable, "PostgreSQL stores are not in this build (\(text)); use a file: --store pbt.sqlite")
            case "http", "https":
                throw Failure(
                    .unreachable, "pbt servers are not in this build (\(text)); use a file: --store pbt.sqlite")
            case let other:
                throw Failure(
                    .usage, "unknown kind of store \"\(other)\" in \"\(text)\"; give a path or sqlite:///path")
            }
            return
        }
        self.init(path: try absolute(FilePath(text)))
    }

    /// The directory with the store's checkpoints and logs: `x/pbt.data` for `x/pbt.sqlite`.
    var data: FilePath {
        var data = path
        data.extension = "data"
        return data
    }
}

/// A store that is open.
struct OpenStore: Sendable {
    /// The store.
    let store: any Store
    /// Where it is.
    let location: StoreLocation

    /// The directory with its checkpoints and logs.
    var data: FilePath {
        location.data
    }

    /// Opens a store.
    ///
    /// - Parameters:
    ///   - location: Where it is.
    ///   - isCreating: Whether a missing store is made; otherwise it is an error.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/unusableStore``.
    init(_ location: StoreLocation, creating isCreating: Bool) throws {
        self.location = location
        store = try SQLiteStore(path: location.path.string, mustExist: !isCreating)
    }
}
