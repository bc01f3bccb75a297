// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTCheckpoints
public import SystemPackage

extension RemoteStore {
    /// Returns the data directory of the server if it is accessible on this machine.
    ///
    /// It is if the directory at the server's path, or at the given one, has the server's identifier in `.pbt-data`.
    ///
    /// - Parameters:
    ///   - info: The information of the server.
    ///   - path: The absolute path of the directory on this machine; the server's path if nil.
    /// - Returns: The directory; nil if it is not accessible.
    /// - Throws: A `PBTError` with code `badValue` if the given directory is not the server's.
    public func sharedData(_ info: ServerInfo, at path: FilePath? = nil) throws -> DataDirectory? {
        guard let data = info.data else {
            guard let path else { return nil }
            throw PBTError(.badValue, "the server \(address) has no data directory to share; leave out \(path)")
        }
        guard let path else {
            let directory = DataDirectory(FilePath(data.path))
            // A directory that cannot be read is not shared.
            return (try? directory.existingIdentity()) == data.id ? directory : nil
        }
        let directory = DataDirectory(path)
        guard let id = try directory.existingIdentity() else {
            throw PBTError(
                .badValue,
                "\(path) is not the data directory of a server: it has no file .pbt-data; the server's is \(data.path)")
        }
        guard id == data.id else {
            throw PBTError(
                .badValue,
                "\(path) is the data directory of another server; that of \(address) is \(data.path) on its machine")
        }
        return directory
    }

    /// Returns the checkpoints for a worker: the server's data directory if it is accessible on this machine, otherwise
    /// a cache that downloads and uploads.
    ///
    /// - Parameters:
    ///   - data: The path of the server's data directory on this machine; the server's path if nil.
    ///   - cache: The directory of the caches; each server has its own subdirectory.
    ///   - limit: The maximum size of a cache in bytes.
    /// - Returns: The checkpoints for a `Worker`.
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
            throw PBTError(.unreachable, "the server \(address) gives an invalid identifier of its data directory")
        }
        // By identifier: the cache is the same under any address of the server, and another for another directory.
        return RemoteCheckpoints(self, cache: cache.appending(id), limit: limit)
    }

    /// Downloads a checkpoint into a directory and verifies the SHA-256 of each file.
    ///
    /// - Parameters:
    ///   - name: The checkpoint.
    ///   - experiment: Its experiment.
    ///   - directory: An empty directory; after an error it can contain some of the files.
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `unreachable`, `inputOutput`; `CancellationError`.
    public func download(_ name: CheckpointName, of experiment: String, to directory: FilePath) async throws {
        let download = Download(store: self, name: "\(name)", experiment: experiment)
        try await download.fetch(try await download.manifest(), into: directory)
    }

    /// Returns the default directory for caches: `$XDG_CACHE_HOME/pbt`, or `~/.cache/pbt`.
    ///
    /// - Parameter environment: The environment variables.
    /// - Returns: An absolute path.
    /// - Throws: A `PBTError` with code `badValue` if neither variable is set.
    public static func usualCache(environment: [String: String]) throws -> FilePath {
        if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return FilePath(base).appending("pbt") }
        if let home = environment["HOME"], home.hasPrefix("/") {
            return FilePath(home).appending(".cache").appending("pbt")
        }
        throw PBTError(
            .badValue, "HOME is not set, so there is no default cache for checkpoints; name one with --cache DIR")
    }
}
