// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTCheckpoints
import Synchronization
public import SystemPackage

/// The checkpoints of a worker without access to the server's data directory: they are downloaded before an attempt,
/// and uploaded after it.
///
/// Transfers resume after a broken connection, the SHA-256 of every file is verified, and a checkpoint is complete or
/// does not exist. Checkpoints are kept in a cache on this machine, which several workers can share; when it is full,
/// the least recently used are deleted.
public final class RemoteCheckpoints: Checkpoints {
    /// The directory of the cache, in which attempts run.
    public let data: DataDirectory
    /// False: the server deletes unreferenced checkpoints.
    public var collectsGarbage: Bool { false }

    private let store: RemoteStore
    private let cache: CheckpointCache
    private let mutex = KeyedMutex<FilePath>()
    /// The checkpoints in use, by the directory of the attempt that uses them.
    private let held = Mutex<[FilePath: CheckpointCache.Hold]>([:])

    /// The default maximum size of a cache in bytes: 20 GiB.
    public static let usualLimit: Int64 = 20 << 30

    /// Creates the checkpoints of a worker with a cache.
    ///
    /// - Parameters:
    ///   - store: The server.
    ///   - cache: The absolute path of the cache, which must not be shared between servers.
    ///   - limit: The maximum size of the cache in bytes, checkpoints in use not counted.
    public init(_ store: RemoteStore, cache: FilePath, limit: Int64 = usualLimit) {
        self.store = store
        data = DataDirectory(cache)
        self.cache = CheckpointCache(data: data, limit: limit)
    }

    /// See `Checkpoints.begin(_:slot:)`.
    public func begin(_ assignment: Assignment, slot: Int) async throws -> Attempt {
        var hold: CheckpointCache.Hold?
        if let name = assignment.parentCheckpoint {
            let experiment = assignment.experiment.name
            // Several slots can continue the same donor.
            hold = try await mutex.withLock(data.checkpoint(name, of: experiment)) {
                try await fetched(name, of: experiment)
            }
        }
        let data = data
        let attempt = try await blocking { try data.begin(assignment, slot: slot) }
        held.withLock { $0[attempt.scratch] = hold }
        return attempt
    }

    /// Locks a checkpoint in the cache, and downloads it if it is missing.
    private func fetched(_ name: String, of experiment: String) async throws -> CheckpointCache.Hold {
        guard CheckpointName(name) != nil else {
            throw PBTError(
                .noSuchCheckpoint,
                "the server names a checkpoint \(Value.string(String(name.prefix(100))).json), which no attempt publishes"
            )
        }
        let (cache, data) = (cache, data)
        let download = Download(store: store, name: name, experiment: experiment)
        let manifest = try await download.manifest()
        while true {
            if let hold = try await blocking({ try cache.hold(name, of: experiment) }) {
                if try await blocking({ try cache.isWhole(name, of: experiment, manifest) }) { return hold }
                // The cache was written to, or the server has a new experiment of an old name.
                try await blocking { try data.delete([name], of: experiment) }
            }
            try await download.run(manifest, into: cache)
        }
    }

    /// See `Checkpoints.publish(_:)`.
    public func publish(_ attempt: Attempt) async throws -> String {
        let lease = attempt.assignment.lease
        let name = DataDirectory.name(of: lease.interval, attempt: lease.attempt)
        let root = attempt.checkpoint
        let manifest = try await blocking {
            try CheckpointLinks.settle(in: root)
            return try Manifest(of: root)
        }
        try await Upload(store: store, root: root, name: name, lease: lease, manifest: manifest).run()
        // Most members continue their own checkpoints.
        let cache = cache
        let experiment = lease.experiment
        try await blocking { try cache.take(root, as: name, of: experiment, manifest) }
        try discard(attempt)
        try await blocking { try cache.trim() }
        return name
    }

    /// See `Checkpoints.discard(_:)`.
    public func discard(_ attempt: Attempt) throws {
        held.withLock { $0[attempt.scratch] = nil }
        try data.discard(attempt)
    }

    /// Deletes the copies in the cache; the server deletes its own.
    public func delete(_ names: [String], of experiment: String) throws {
        try data.delete(names, of: experiment)
    }
}
