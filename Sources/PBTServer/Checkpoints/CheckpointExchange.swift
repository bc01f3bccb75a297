// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PBT
import PBTAPI
import PBTCheckpoints
import SystemPackage

/// The checkpoints of a data directory, for clients that cannot see it: downloads file by file, and uploads file by file
/// until they are published.
final class CheckpointExchange: Sendable {
    /// The limits of an uploaded checkpoint.
    struct Limits: Sendable {
        /// Files, and as many directories.
        var files = Manifest.maximumFiles
        /// Bytes of all files; 1 TiB.
        var bytes = Manifest.maximumBytes
    }

    let data: DataDirectory
    let store: any Store
    let limits: Limits
    let uploads = Uploads()
    private let mutex = KeyedMutex<FilePath>()
    private let manifests = ManifestCache()

    init(data: DataDirectory, store: any Store, limits: Limits = Limits()) {
        self.data = data
        self.store = store
        self.limits = limits
    }

    /// The directory of a published checkpoint.
    ///
    /// - Throws: A `PBTError` with code `noSuchExperiment`, `noSuchCheckpoint` or `inputOutput`.
    private func directory(of name: String, _ experiment: String) async throws -> FilePath {
        let data = data
        do {
            return try await blocking { try data.published(name, of: experiment) }
        } catch let error as PBTError where error.code == .noSuchCheckpoint {
            _ = try await store.record(of: experiment)
            guard CheckpointName(name) != nil else { throw error }
            throw PBTError(
                .noSuchCheckpoint,
                "there is no checkpoint \"\(name)\" of \"\(experiment)\", or not any more: nothing needed it")
        }
    }

    /// Returns the files of a published checkpoint.
    ///
    /// Read once: what is published never changes.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `changedCheckpoint`, `badValue` for one that holds what cannot be sent.
    func manifest(of name: String, _ experiment: String) async throws -> Manifest {
        let path = try await directory(of: name, experiment)
        let data = data
        // It is about to be handed out.
        try await blocking { try data.checkUnchanged(name, of: experiment) }
        // Many workers may request the donor's concurrently.
        return try await mutex.withLock(path) { try await known(path, experiment) }
    }

    private func known(_ path: FilePath, _ experiment: String) async throws -> Manifest {
        let record = try await store.record(of: experiment)
        let key = try await blocking { try ManifestCache.Key(path, of: record) }
        if let known = manifests[key] { return known }
        let limits = limits
        let manifest = try await blocking { try Manifest(of: path, maximumFiles: limits.files) }
        manifests[key] = manifest
        return manifest
    }

    /// Takes in what is in a checkpoint that was just published.
    func note(_ manifest: Manifest, at path: FilePath, _ experiment: String) async throws {
        let record = try await store.record(of: experiment)
        manifests[try await blocking { try ManifestCache.Key(path, of: record) }] = manifest
    }

    /// Returns true if the checkpoint published in a directory is this one.
    func isPublished(_ manifest: Manifest, at path: FilePath, of experiment: String) async throws -> Bool {
        guard try await blocking({ try FileSystem.exists(path) }) else { return false }
        guard try await known(path, experiment).isSame(as: manifest) else {
            throw PBTError(.wrongState, "there is another checkpoint in \(path) already; release the interval")
        }
        return true
    }

    /// A file of a published checkpoint, with its size.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `badValue` for a path that is none.
    func file(_ path: String, in name: String, _ experiment: String) async throws -> (file: OpenFile, size: Int64) {
        let path = try TransferPath(path)
        let root = try await directory(of: name, experiment)
        return try await blocking {
            let file = try OpenFile(following: path, below: root)
            return (file, try file.size())
        }
    }

    /// Checks that an attempt published the checkpoint that its result names, where this server can see that.
    ///
    /// Of an attempt that is finished already nothing is checked: its result is repeated, and the checkpoint may be
    /// deleted by now.
    ///
    /// - Throws: A `PBTError` with code `badValue` when there is no such checkpoint.
    func checkPublished(_ outcome: Outcome, under lease: Lease) async throws {
        guard case .trained(_, _, let checkpoint?) = outcome,
            CheckpointName(checkpoint) == CheckpointName(lease.interval, attempt: lease.attempt)
        else { return }
        let data = data
        if try await blocking({ try data.isPublished(checkpoint, of: lease.experiment) }) { return }
        // Read after the look at the disk: a finished interval's checkpoint may have been deleted in between.
        let interval = try await store.interval(lease.interval, of: lease.experiment)
        guard interval.state == .running, interval.attempts == lease.attempt else { return }
        throw PBTError(
            .badValue,
            "checkpoint: \"\(checkpoint)\" is not in the server's data directory \(data.root); publish it before "
                + "finish, through uploads or in that directory")
    }
}
