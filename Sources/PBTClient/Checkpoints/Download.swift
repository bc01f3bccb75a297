// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI
import PBTCheckpoints
import SystemPackage

/// The download of a checkpoint.
struct Download: Sendable {
    let store: RemoteStore
    let name: String
    let experiment: String

    /// Downloads the checkpoint into a cache, as a whole or not at all.
    ///
    /// - Parameters:
    ///   - manifest: The manifest of the checkpoint; see ``manifest()``.
    ///   - cache: The cache.
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `unreachable`, `inputOutput`; `CancellationError`.
    func run(_ manifest: Manifest, into cache: CheckpointCache) async throws {
        let (name, experiment) = (name, experiment)
        let (root, hold) = try await blocking {
            try cache.trim(for: manifest.bytes)
            return try cache.stage(name, of: experiment)
        }
        do {
            try await fetch(manifest, into: root)
            try await blocking { try cache.take(root, as: name, of: experiment, manifest) }
        } catch {
            try await blocking { try FileTree.remove(root) }
            throw error
        }
        withExtendedLifetime(hold) {}
    }

    /// Requests the manifest of the checkpoint.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `changedCheckpoint`, `unreachable`; `CancellationError`.
    func manifest() async throws -> Manifest {
        var call = APICall(.GET, .experiment(experiment, "checkpoints", name))
        // The first request waits until the server has read the whole checkpoint.
        call.wait = .seconds(600)
        return try Manifest(api: try await store.fields(call), maximumBytes: .max)
    }

    /// Downloads directories and files into an empty directory, and verifies the SHA-256 of each file.
    ///
    /// - Throws: A `PBTError`: `unreachable`, `inputOutput`; `CancellationError`.
    func fetch(_ manifest: Manifest, into root: FilePath) async throws {
        try await blocking {
            for directory in manifest.directories {
                for path in directory.parents + ["\(directory)"] {
                    try FileSystem.makeDirectory(try TransferPath(path).below(root))
                }
            }
        }
        for file in manifest.files { try await fetch(file, into: root) }
    }

    private func fetch(_ wanted: Manifest.File, into root: FilePath) async throws {
        let file = try await blocking { try OpenFile(writing: wanted.path, below: root) }
        for isLast in [false, true] {
            let fetching = Fetching(file: file)
            _ = try await store.retrying.repeating(progress: { fetching.offset }) {
                try await fetch(wanted, fetching)
            }
            if fetching.checksum.text == wanted.sha256 { break }
            guard !isLast else {
                throw PBTError(
                    .inputOutput,
                    "\"\(wanted.path)\" of checkpoint \(name) of \"\(experiment)\" arrived damaged, twice; check the "
                        + "server's disk and the network")
            }
        }
        if wanted.isExecutable { try await blocking { try file.makeExecutable() } }
    }

    /// Downloads the rest of a file.
    private func fetch(_ wanted: Manifest.File, _ fetching: Fetching) async throws {
        guard fetching.offset < wanted.size else { return }
        let connection = store.retrying.connection
        var path = APIPath.experiment(experiment, "checkpoints", name, "files")
        for name in wanted.path.names { path.append(name) }
        var call = APICall(.GET, path)
        if fetching.offset > 0 { call.headers.add(name: "Range", value: "bytes=\(fetching.offset)-") }
        // The read timeout ends a stalled download earlier.
        let response = try await connection.open(connection.request(call), within: .seconds(7 * 86400))
        if response.status != .partialContent { fetching.restart() }
        do {
            for try await buffer in response.body {
                let left = wanted.size - fetching.offset
                guard Int64(buffer.readableBytes) <= left else {
                    throw RequestFailure(
                        PBTError(.unreachable, "\"\(wanted.path)\" is longer than the manifest says"),
                        isRetryable: false)
                }
                try await fetching.take(buffer)
            }
        } catch let error as PBTError {
            throw error
        } catch {
            throw connection.failure(error)
        }
        guard fetching.offset == wanted.size else {
            throw RequestFailure(
                PBTError(.unreachable, "the server \(store.address) did not send all of \"\(wanted.path)\""),
                isRetryable: true)
        }
    }
}

/// The progress of the download of a file.
private final class Fetching {
    private let file: OpenFile
    private(set) var offset: Int64 = 0
    private(set) var checksum = Checksum()

    init(file: OpenFile) {
        self.file = file
    }

    func restart() {
        offset = 0
        checksum = Checksum()
    }

    func take(_ buffer: ByteBuffer) async throws {
        let (file, place) = (file, offset)
        try await blocking { try file.write(buffer, at: place) }
        checksum.update(buffer)
        offset += Int64(buffer.readableBytes)
    }
}
