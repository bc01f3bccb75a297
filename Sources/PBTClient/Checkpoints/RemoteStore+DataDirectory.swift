// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTCheckpoints
public import SystemPackage

extension RemoteStore {
    /// The data directory of the server, if this machine sees it.
    ///
    /// It does when there is a directory at the server's path, or at the one that is named, whose file `.pbt-data` says
    /// that it is the server's.
    ///
    /// - Parameters:
    ///   - info: What the server says of itself.
    ///   - path: Where this machine sees the directory; at the same path as the server when not given. Absolute.
    /// - Returns: The directory; nothing when this machine does not see it.
    /// - Throws: A `PBTError` with code `badValue` when a directory is named that is not the server's.
    public func sharedData(_ info: ServerInfo, at path: FilePath? = nil) throws -> DataDirectory? {
        guard let data = info.data else {
            guard let path else { return nil }
            throw PBTError(.badValue, "the server \(address) has no data directory to share; leave out \(path)")
        }
        guard let path else {
            let directory = DataDirectory(FilePath(data.path))
            // What cannot be read is not shared.
            return (try? directory.existingIdentity()) == data.id ? directory : nil
        }
        let directory = DataDirectory(path)
        guard let id = try directory.existingIdentity() else {
            throw PBTError(
                .badValue,
                "\(path) is no data directory of a server: it has no file .pbt-data; the server's is \(data.path)")
        }
        guard id == data.id else {
            throw PBTError(
                .badValue,
                "\(path) is the data directory of another server; that of \(address) is \(data.path) on its machine")
        }
        return directory
    }

    /// Where a worker's checkpoints come from and go to: the server's data directory if this machine sees it, else a
    /// cache that is filled over the network.
    ///
    /// - Parameters:
    ///   - data: Where this machine sees the server's data directory; at the same path as the server when not given.
    ///   - cache: A directory for caches; each server has one of its own in it.
    ///   - limit: How many bytes a cache holds.
    /// - Returns: For ``PBTWorker/Worker``.
    /// - Throws: A `PBTError`: `unreachable`, or `badValue` for a directory that is not the server's.
    public func checkpoints(
        data: FilePath? = nil, cache: FilePath, limit: Int64 = RemoteCheckpoints.usualLimit
    ) async throws -> any Checkpoints {
        let info = try await serverInfo()
        if let shared = try sharedData(info, at: data) { return shared }
        guard let id = info.data?.id else {
            throw PBTError(
                .badValue,
                "the server \(address) has no data directory, so its workers have nowhere to keep checkpoints")
        }
        guard !id.isEmpty, id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
            throw PBTError(.unreachable, "the server \(address) names its data directory in a way that makes no sense")
        }
        // By its identity: the same cache whatever name the server goes by, and another for another directory.
        return RemoteCheckpoints(self, cache: cache.appending(id), limit: limit)
    }

    /// Fetches a checkpoint into a directory, each file checked by its SHA-256.
    ///
    /// - Parameters:
    ///   - name: The checkpoint.
    ///   - experiment: Its experiment.
    ///   - directory: An empty directory; after an error, some files may be in it.
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `unreachable`, `inputOutput`; `CancellationError`.
    public func download(_ name: CheckpointName, of experiment: String, to directory: FilePath) async throws {
        let download = Download(store: self, name: "\(name)", experiment: experiment)
        try await download.fetch(try await download.manifest(), into: directory)
    }

    /// The directory for caches when none is named: `$XDG_CACHE_HOME/pbt`, or `~/.cache/pbt`.
    ///
    /// - Parameter environment: The environment's variables.
    /// - Returns: An absolute path.
    /// - Throws: A `PBTError` with code `badValue` when the environment says nothing of a home.
    public static func usualCache(environment: [String: String]) throws -> FilePath {
        if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return FilePath(base).appending("pbt") }
        if let home = environment["HOME"], home.hasPrefix("/") {
            return FilePath(home).appending(".cache").appending("pbt")
        }
        throw PBTError(.badValue, "there is no HOME to keep a cache of checkpoints in; name one with --cache DIR")
    }
}
