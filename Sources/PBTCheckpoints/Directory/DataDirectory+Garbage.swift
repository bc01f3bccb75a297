// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// Files that no interval references.
public struct Orphan: Sendable, Hashable {
    /// The path of the files.
    public var path: FilePath
    /// The size of the files in bytes.
    public var bytes: Int64
}

extension DataDirectory {
    /// Deletes checkpoints; missing ones are ignored.
    ///
    /// Each is renamed first, so that a directory with a checkpoint's name is complete at any time. Only directories in
    /// `checkpoints/` whose names are those of attempts (`CheckpointName`) are deleted; other names are ignored. A
    /// failure does not prevent the deletion of the others.
    ///
    /// - Parameters:
    ///   - names: Names of published checkpoints.
    ///   - experiment: The experiment.
    /// - Throws: A `PBTError` with code `inputOutput`: the first error, after all names were tried.
    public func delete(_ names: [String], of experiment: String) throws {
        var problem: (any Error)?
        for name in names {
            guard let name = CheckpointName(name) else { continue }
            do {
                try delete(name, of: experiment)
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
    }

    private func delete(_ name: CheckpointName, of experiment: String) throws {
        guard try FileSystem.exists(checkpoint("\(name)", of: experiment)) else {
            return try FileTree.remove(manifest("\(name)", of: experiment))
        }
        // Missing if all attempts run on other machines.
        if try !FileSystem.exists(attempts(of: experiment)) { try prepare(experiment) }
        _ = try FileTree.retire(
            "\(name)", in: checkpoints(of: experiment), through: attempts(of: experiment), as: ".deleted-\(name)")
        // Last: a checkpoint without a seal looks like one of an earlier version.
        try FileTree.remove(manifest("\(name)", of: experiment))
    }

    /// Deletes checkpoints one by one.
    ///
    /// - Parameters:
    ///   - names: Names of published checkpoints.
    ///   - experiment: The experiment.
    /// - Returns: The names that were deleted, and the first error of the others.
    package func deleteEach(_ names: [String], of experiment: String) -> (gone: [String], problem: (any Error)?) {
        var gone: [String] = []
        var problem: (any Error)?
        for name in names {
            do {
                try delete([name], of: experiment)
                gone.append(name)
            } catch {
                problem = problem ?? error
            }
        }
        return (gone, problem)
    }

    /// Returns the orphans among the names in an experiment's directories.
    func orphans(
        of experiment: String, given intervals: [Interval], copies: Set<String>, published: [String],
        attempts: [String]
    ) throws
        -> [Orphan]
    {
        var checkpoints: Set<String> = []
        var running: Set<String> = []
        for interval in intervals {
            if let checkpoint = interval.checkpoint, interval.checkpointState == .kept {
                checkpoints.insert(checkpoint)
            }
            if interval.state == .running {
                running.insert(Self.name(of: interval.id, attempt: interval.attempts))
            }
        }
        // A running interval can have published its checkpoint before it finishes.
        let paths =
            try published.filter {
                !checkpoints.contains($0) && !running.contains($0) && !copies.contains($0)
            }
            // Other names, and entries that are not directories, are not ours.
            .compactMap { checkpoint(named: $0, of: experiment) }.filter { try FileSystem.isDirectory($0) }
            + attempts.filter { !running.contains($0) }.map { attempt($0, of: experiment) }
        return try paths.map { Orphan(path: $0, bytes: try size(of: $0)) }
    }

    /// Finds files that no interval references: checkpoints published by workers that died before they recorded it,
    /// garbage that was not deleted, and files of attempts that have ended.
    ///
    /// - Parameters:
    ///   - experiment: The experiment.
    ///   - store: The store of the experiment.
    /// - Returns: The files that ``collect(_:)`` may delete, in order of path.
    /// - Throws: A `PBTError`: an error of the store, or with code `inputOutput`.
    public func orphans(of experiment: String, in store: some Store) async throws -> [Orphan] {
        // The files first, so that a checkpoint that is published before the store is read is not taken for an orphan.
        let published = try names(in: checkpoints(of: experiment))
        let started = try names(in: attempts(of: experiment))
        // Copies for founders are kept as long as the experiment.
        let copies = try await store.record(of: experiment).experiment.founderCheckpoints.all.compactMap(\.copy)
        let intervals = try await store.intervals(of: experiment)
        return try orphans(
            of: experiment, given: intervals, copies: Set(copies.map { "\($0)" }), published: published,
            attempts: started
        )
    }

    /// Returns the names in a directory; empty if it does not exist or is a symbolic link.
    private func names(in directory: FilePath) throws -> [String] {
        guard try FileSystem.isDirectory(directory) else { return [] }
        return try FileSystem.names(in: directory)
    }

    /// Deletes seals whose checkpoints were not published or were deleted.
    ///
    /// - Parameters:
    ///   - experiment: The experiment.
    ///   - store: The store of the experiment.
    /// - Throws: A `PBTError`: an error of the store, or with code `inputOutput`.
    public func collectManifests(of experiment: String, in store: some Store) async throws {
        let names = try names(in: manifests(of: experiment)).compactMap {
            $0.hasSuffix(".json") ? CheckpointName(String($0.dropLast(5))) : nil
        }
        let running = try await store.runningIntervals(of: experiment).map {
            CheckpointName($0.id, attempt: $0.attempts)
        }
        for name in names where !running.contains(name) {
            if try FileSystem.exists(checkpoint("\(name)", of: experiment)) { continue }
            try FileTree.remove(manifest("\(name)", of: experiment))
        }
    }

    /// Deletes the files that ``orphans(of:in:)`` found.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func collect(_ orphans: [Orphan]) throws {
        for orphan in orphans {
            try FileTree.remove(orphan.path)
        }
    }
}
