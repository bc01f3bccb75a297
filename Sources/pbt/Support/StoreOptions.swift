// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import SystemPackage

/// The store that a command works on.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The store: a path, or a server's URL. Default: PBT_STORE, else pbt.sqlite next to the experiment file, or in the current directory.",
            valueName: "store"))
    var store: String?

    @OptionGroup var terminal: TerminalOptions

    /// Returns the location of the store, which may not exist yet.
    ///
    /// - Parameter directory: The directory of the default store; the current directory when none is given.
    /// - Returns: The location.
    /// - Throws: A ``Failure`` for a kind of store that this build does not have.
    func location(in directory: FilePath? = nil) throws -> StoreLocation {
        try StoreLocation(named: store, in: directory)
    }

    /// Opens the store.
    ///
    /// - Parameters:
    ///   - directory: The directory of the default store; the current directory when none is given.
    ///   - isCreating: Creates a missing store; otherwise that is an error.
    ///   - isReading: Opens the store for reading, so that a read-only file will do.
    /// - Returns: The open store.
    /// - Throws: A ``Failure``, or a ``PBTError`` with code ``PBTError/Code/unusableStore`` or
    ///   ``PBTError/Code/unreachable``.
    func open(
        in directory: FilePath? = nil, creating isCreating: Bool = false, reading isReading: Bool = false
    ) async throws -> OpenStore {
        try await OpenStore(location(in: directory), creating: isCreating, reading: isReading)
    }
}
