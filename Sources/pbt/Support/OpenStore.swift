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
    /// Its location.
    let location: StoreLocation
    /// The directory with its checkpoints and logs: `x/pbt.data` for `x/pbt.sqlite`.
    ///
    /// Nil for a server whose directory this machine cannot see.
    let data: DataDirectory?

    /// Opens a store.
    ///
    /// - Parameters:
    ///   - location: Its location.
    ///   - isCreating: Creates a missing store; otherwise that is an error.
    ///   - isReading: Opens the store for reading, so that a read-only file will do.
    ///   - path: The path of a server's data directory on this machine; the server's own path when nil.
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
            ExitTasks.add(file)
            store = file
            var directory = path
            directory.extension = "data"
            data = DataDirectory(directory)
        case .server(let address):
            var configuration = try ClientConfiguration(for: address, environment: Self.environment)
            // Long enough for a server that restarts; a worker that is training waits longer.
            configuration.patience = .seconds(10)
            let remote = try RemoteStore(address, configuration)
            let named = try (path?.string ?? pbt.environment("PBT_DATA")).map { try absolute(FilePath($0)) }
            data = try remote.sharedData(try await remote.serverInfo(patience: .seconds(5)), at: named)
            store = remote
        }
    }

    /// The environment variables that the client reads.
    private static var environment: [String: String] {
        let names = ["PBT_TOKEN", "PBT_CA_FILE", "PBT_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"]
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in pbt.environment(name).map { (name, $0) } })
    }

    /// Returns the checkpoints that a worker reads and publishes.
    ///
    /// - Parameters:
    ///   - cache: The cache for a server that shares no directory with this machine; in the user's cache when nil.
    ///   - limit: The size limit of the cache in bytes.
    /// - Returns: The checkpoints.
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

    /// True for the store of a server.
    var isRemote: Bool {
        store is RemoteStore
    }

    /// Checks that the data directory holds no files of an earlier experiment with this name or its baseline's.
    ///
    /// - Throws: A ``PBTError`` when it does.
    func checkUnclaimed(_ experiment: Experiment) async throws {
        // A server checks its own directory.
        guard !isRemote, let data else { return }
        for name in [experiment.name, experiment.baseline?.name].compactMap({ $0 }) {
            try await data.checkUnclaimed(name, in: store)
        }
    }

    /// Copies the checkpoints that founders continue into the data directory; a server does so by itself.
    ///
    /// - Parameter experiment: The definition that is about to be created or edited.
    /// - Returns: The definition with the names of the copies.
    /// - Throws: A ``PBTError``.
    func copyingFounders(of experiment: Experiment) async throws -> Experiment {
        guard !isRemote, let data else { return experiment }
        return try data.copyFounders(
            of: try await data.resolvingFounders(of: experiment, in: store), allowingPaths: true)
    }

    /// Warns about experiments that have files in the data directory but are not in the store.
    ///
    /// - Throws: A ``PBTError``.
    func warnOfUnknownFiles() async throws {
        guard !isRemote, let data else { return }
        let unknown = try await data.unknown(besides: store.experiments().map(\.experiment.name))
        guard !unknown.isEmpty else { return }
        let names = unknown.prefix(5).compactMap { $0.lastComponent?.string }.joined(separator: ", ")
        let more = unknown.count > 5 ? " and \(unknown.count - 5) more" : ""
        Output.warn(
            "\(near(data.root)) holds checkpoints or logs of experiments that are not in the store: \(names)\(more). If "
                + "the store was deleted or replaced, put it back or restore it from a backup; otherwise delete them")
    }

    /// Returns the data directory, for operations that require it.
    ///
    /// - Parameter purpose: The operation, as the subject of the message.
    /// - Returns: The directory.
    /// - Throws: A ``Failure`` when this machine cannot see it.
    func directory(for purpose: String) throws -> DataDirectory {
        guard let data else {
            throw Failure(
                .usage,
                "\(purpose) needs the data directory of \(location), which this machine cannot see; if it is mounted at "
                    + "another path, set PBT_DATA to that path")
        }
        return data
    }
}

extension Hint {
    /// Returns a command about an open store.
    static func command(_ words: String..., in opened: OpenStore) -> String {
        Shell.command(["pbt"] + words + storeOption(opened.location))
    }
}
