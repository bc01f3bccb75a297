// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// Files that no interval names.
public struct Orphan: Sendable, Hashable {
    /// Where they are.
    public var path: FilePath
    /// Their size in bytes.
    public var bytes: Int64
}

extension DataDirectory {
    /// Deletes checkpoints; those that are gone already are as good.
    ///
    /// Each is renamed away first: what bears a checkpoint's name is whole at any time. Only a directory in the
    /// experiment's `checkpoints/` whose name is that of an attempt (`CheckpointName`) is deleted; for every other name
    /// there is nothing of ours to delete. One that cannot be deleted does not keep the others.
    ///
    /// - Parameters:
    ///   - names: Names of published checkpoints.
    ///   - experiment: The experiment.
    /// - Throws: A `PBTError` with code `inputOutput`: the first problem, after all names were tried.
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
        // Where all attempts run on other machines, there is no place for it yet.
        if try !FileSystem.exists(attempts(of: experiment)) { try prepare(experiment) }
        _ = try FileTree.retire(
            "\(name)", in: checkpoints(of: experiment), through: attempts(of: experiment), as: ".deleted-\(name)")
        // Last: a checkpoint without its seal could not be told from one of an earlier version.
        try FileTree.remove(manifest("\(name)", of: experiment))
    }

    /// Deletes checkpoints one by one.
    ///
    /// - Parameters:
    ///   - names: Names of published checkpoints.
    ///   - experiment: The experiment.
    /// - Returns: The names of which nothing is left, and the first problem with the others.
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

    /// Those of the names in an experiment's directories that no interval names.
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
        // A running interval may have published, and not yet have finished.
        let paths =
            try published.filter {
                !checkpoints.contains($0) && !running.contains($0) && !copies.contains($0)
            }
            // What has another name, or is not a directory, was not put there by us.
            .compactMap { checkpoint(named: $0, of: experiment) }.filter { try FileSystem.isDirectory($0) }
            + attempts.filter { !running.contains($0) }.map { attempt($0, of: experiment) }
        return try paths.map { Orphan(path: $0, bytes: try size(of: $0)) }
    }

    /// What no interval names: checkpoints published by workers that died before they could say so, garbage that was
    /// not deleted, and files of attempts that are over.
    ///
    /// - Parameters:
    ///   - experiment: The experiment.
    ///   - store: Where its intervals are.
    /// - Returns: What ``collect(_:)`` may delete, in order of path.
    /// - Throws: A `PBTError`: of the store's, or with code `inputOutput`.
    public func orphans(of experiment: String, in store: some Store) async throws -> [Orphan] {
        // The files first: what is published between the two looks is then not even seen.
        let published = try names(in: checkpoints(of: experiment))
        let begun = try names(in: attempts(of: experiment))
        // What founders continue stays as long as the experiment.
        let copies = try await store.record(of: experiment).experiment.founderCheckpoints.all.compactMap(\.copy)
        let intervals = try await store.intervals(of: experiment)
        return try orphans(
            of: experiment, given: intervals, copies: Set(copies.map { "\($0)" }), published: published, attempts: begun
        )
    }

    /// The names in one of our directories; none when a symbolic link is in its place.
    private func names(in directory: FilePath) throws -> [String] {
        guard try FileSystem.isDirectory(directory) else { return [] }
        return try FileSystem.names(in: directory)
    }

    /// Deletes seals whose checkpoints were not published or are gone.
    ///
    /// - Parameters:
    ///   - experiment: The experiment.
    ///   - store: Where its intervals are.
    /// - Throws: A `PBTError`: of the store's, or with code `inputOutput`.
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

    /// Deletes what ``orphans(of:in:)`` found.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func collect(_ orphans: [Orphan]) throws {
        for orphan in orphans {
            try FileTree.remove(orphan.path)
        }
    }
}
