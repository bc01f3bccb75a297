// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTClient
import PBTSQLite
import PBTWorker
import SystemPackage

/// A store that is open.
struct OpenStore: Sendable {
    /// The store.
    let store: any Store
    /// Where it is.
    let location: StoreLocation
    /// The directory with its checkpoints and logs: `x/pbt.data` for `x/pbt.sqlite`.
    ///
    /// None behind a server whose directory this machine does not see.
    let data: DataDirectory?

    /// Opens a store.
    ///
    /// - Parameters:
    ///   - location: Where it is.
    ///   - isCreating: Whether a missing store is made; otherwise it is an error.
    ///   - isReading: Whether nothing will be changed; then a file will do that may only be read.
    ///   - path: Where this machine sees a server's data directory; at the server's own path when not given.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/unusableStore`` or ``PBTError/Code/unreachable``.
    init(
        _ location: StoreLocation, creating isCreating: Bool, reading isReading: Bool = false,
        data path: FilePath? = nil
    ) async throws {
        self.location = location
        Hint.remember(location)
        switch location {
        case .file(let path):
            let file = try SQLiteStore(
                path: path.string, access: isReading ? .readOnly : .readWrite, mustExist: !isCreating,
                isAlive: { WorkerName($0)?.isKnownAlive ?? false })
            OpenStores.add(file)
            store = file
            var directory = path
            directory.extension = "data"
            data = DataDirectory(directory)
        case .server(let address):
            var configuration = try ClientConfiguration(for: address, environment: Self.environment)
            // Long enough for a server that starts anew; a worker that is at work waits as long as it takes.
            configuration.patience = .seconds(10)
            let remote = try RemoteStore(address, configuration)
            let named = try (path?.string ?? pbt.environment("PBT_DATA")).map { try absolute(FilePath($0)) }
            data = try remote.sharedData(try await remote.serverInfo(patience: .seconds(5)), at: named)
            store = remote
        }
    }

    /// What the client looks at.
    private static var environment: [String: String] {
        let names = ["PBT_TOKEN", "PBT_CA_FILE", "PBT_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"]
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in pbt.environment(name).map { (name, $0) } })
    }

    /// Where a worker's checkpoints come from and go to.
    ///
    /// - Parameters:
    ///   - cache: Where those of a server are kept that this machine does not share a directory with; the user's cache
    ///     when not given.
    ///   - limit: How many bytes that holds.
    /// - Returns: For a worker.
    /// - Throws: A ``PBTError``.
    func checkpoints(
        cache: FilePath? = nil, limit: Int64 = RemoteCheckpoints.usualLimit
    ) async throws -> any Checkpoints {
        if let data { return data }
        guard let remote = store as? RemoteStore else {
            throw PBTError(.inconsistent, "the store \(location) has no directory for checkpoints")
        }
        let usual = try cache ?? RemoteStore.usualCache(environment: Self.environment)
        return try await remote.checkpoints(cache: try absolute(usual), limit: limit)
    }

    /// Whether it is behind a server.
    var isRemote: Bool {
        store is RemoteStore
    }

    /// Throws when the data directory holds files of an earlier experiment of the same name, or of its baseline's.
    ///
    /// - Throws: A ``PBTError``.
    func checkUnclaimed(_ experiment: Experiment) async throws {
        // A server checks its own.
        guard !isRemote, let data else { return }
        for name in [experiment.name, experiment.baseline?.name].compactMap({ $0 }) {
            try await data.checkUnclaimed(name, in: store)
        }
    }

    /// Copies the checkpoints that an experiment's founders continue into the data directory; a server does so itself.
    ///
    /// - Parameter experiment: The definition, as it is about to be created or edited.
    /// - Returns: The definition with the names of the copies.
    /// - Throws: A ``PBTError``.
    func copyingFounders(of experiment: Experiment) async throws -> Experiment {
        guard !isRemote, let data else { return experiment }
        return try data.copyFounders(
            of: try await data.resolvingFounders(of: experiment, in: store), allowingPaths: true)
    }

    /// Warns of experiments whose files are in the data directory, but which the store does not know.
    ///
    /// - Throws: A ``PBTError``.
    func warnOfUnknownFiles() async throws {
        guard !isRemote, let data else { return }
        let unknown = try await data.unknown(besides: store.experiments().map(\.experiment.name))
        guard !unknown.isEmpty else { return }
        let names = unknown.prefix(5).compactMap { $0.lastComponent?.string }.joined(separator: ", ")
        let more = unknown.count > 5 ? " and \(unknown.count - 5) more" : ""
        Output.warn(
            "\(near(data.root)) holds checkpoints or logs of experiments that the store does not know: \(names)\(more). If "
                + "the store was deleted or replaced, put it back or restore it from a backup; else delete them")
    }

    /// The directory with its files, for what cannot do without.
    ///
    /// - Parameter purpose: What needs it, as the message's subject.
    /// - Returns: The directory.
    /// - Throws: A ``Failure`` when this machine does not see it.
    func directory(for purpose: String) throws -> DataDirectory {
        guard let data else {
            throw Failure(
                .usage,
                "\(purpose) needs the data directory of \(location), which this machine does not see; if it sees it at "
                    + "another path, say where in PBT_DATA")
        }
        return data
    }
}
