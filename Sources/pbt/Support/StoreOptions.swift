// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import SystemPackage

/// Which store a command works on.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The store: a path, or a server's URL. Default: PBT_STORE, else pbt.sqlite beside the experiment file, or here.",
            valueName: "store"))
    var store: String?

    @OptionGroup var terminal: TerminalOptions

    /// Where the store is.
    ///
    /// - Parameter directory: Where the default store lies; the current directory when none is given.
    /// - Returns: A place where there may be no store yet.
    /// - Throws: A ``Failure`` for a kind of store that this build does not have.
    func location(in directory: FilePath? = nil) throws -> StoreLocation {
        try Self.location(of: store, in: directory)
    }

    /// Where a store is.
    ///
    /// - Parameters:
    ///   - store: What the command line says of it, if anything.
    ///   - directory: Where the default store lies; the current directory when none is given.
    /// - Returns: A place where there may be no store yet.
    /// - Throws: A ``Failure`` for a kind of store that this build does not have.
    static func location(of store: String?, in directory: FilePath? = nil) throws -> StoreLocation {
        if let store = store ?? environment("PBT_STORE") { return try StoreLocation(store) }
        return .file((try directory ?? currentDirectory()).appending("pbt.sqlite"))
    }

    /// Opens the store.
    ///
    /// - Parameters:
    ///   - directory: Where the default store lies; the current directory when none is given.
    ///   - isCreating: Whether a missing store is made; otherwise it is an error.
    ///   - isReading: Whether nothing will be changed; then a file will do that may only be read.
    /// - Returns: The open store.
    /// - Throws: A ``Failure``, or a ``PBTError`` with code ``PBTError/Code/unusableStore`` or
    ///   ``PBTError/Code/unreachable``.
    func open(
        in directory: FilePath? = nil, creating isCreating: Bool = false, reading isReading: Bool = false
    ) async throws -> OpenStore {
        try await OpenStore(location(in: directory), creating: isCreating, reading: isReading)
    }
}
