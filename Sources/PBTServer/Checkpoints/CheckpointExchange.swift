// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PBT
import PBTAPI
import PBTTransfer
import PBTWorker
import SystemPackage

/// The checkpoints of a data directory, for those who do not see it: they are fetched file by file, and come file by file
/// before they are published.
final class CheckpointExchange: Sendable {
    /// What a checkpoint that comes may be.
    struct Limits: Sendable {
        /// Files, and as many directories.
        var files = 100_000
        /// Bytes of all files; 1 TiB.
        var bytes = Manifest.maximumBytes
    }

    let data: DataDirectory
    let store: any Store
    let limits: Limits
    let uploads = Uploads()
    private let turns = Turns<FilePath>()
    private let manifests = ManifestCache()

    init(data: DataDirectory, store: any Store, limits: Limits = Limits()) {
        self.data = data
        self.store = store
        self.limits = limits
    }

    /// The directory of a published checkpoint.
    ///
    /// - Throws: A `PBTError` with code `noSuchExperiment`, `noSuchCheckpoint` or `badValue`.
    private func directory(of name: String, _ experiment: String) async throws -> FilePath {
        // One name alone, and none that leads elsewhere.
        guard try TransferPath(name).names.count == 1 else {
            throw PBTError(.noSuchCheckpoint, "a checkpoint's name has no slash: \"\(name.prefix(100))\"")
        }
        let path = data.checkpoint(name, of: experiment)
        guard try await blocking({ try FileSystem.exists(path) }) else {
            _ = try await store.record(of: experiment)
            throw PBTError(
                .noSuchCheckpoint,
                "there is no checkpoint \"\(name)\" of \"\(experiment)\", or not any more: nothing needed it")
        }
        return path
    }

    /// What is in a published checkpoint.
    ///
    /// Read once: what is published never changes.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `badValue` for one that holds what cannot be sent.
    func manifest(of name: String, _ experiment: String) async throws -> Manifest {
        let path = try await directory(of: name, experiment)
        // Many workers may ask for the donor's at once.
        return try await turns.taking(path) { try await known(path) }
    }

    private func known(_ path: FilePath) async throws -> Manifest {
        if let known = manifests[path] { return known }
        let limits = limits
        let manifest = try await blocking { try Manifest(of: path, maximumFiles: limits.files) }
        manifests[path] = manifest
        return manifest
    }

    /// Whether what is published in a directory is this.
    func isPublished(_ manifest: Manifest, at path: FilePath) async throws -> Bool {
        guard try await blocking({ try FileSystem.exists(path) }) else { return false }
        guard try await known(path).isSame(as: manifest) else {
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
            let file = try OpenFile(reading: path, below: root)
            return (file, try file.size())
        }
    }

    /// Notes what is in a checkpoint that was just published.
    func publish(_ manifest: Manifest, at path: FilePath) {
        manifests[path] = manifest
    }
}
