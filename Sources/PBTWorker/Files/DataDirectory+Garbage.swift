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
    /// Each is renamed away first: what bears a checkpoint's name is whole at any time.
    ///
    /// - Parameters:
    ///   - names: Names of published checkpoints.
    ///   - experiment: The experiment.
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func delete(_ names: [String], of experiment: String) throws {
        for name in names {
            let path = checkpoint(name, of: experiment)
            guard try FileSystem.exists(path) else { continue }
            // Where all attempts run on other machines, there is none yet.
            try FileSystem.makeDirectory(attempts(of: experiment))
            let trash = attempt(".deleted-\(name)", of: experiment)
            if try FileSystem.exists(trash) { try FileTree.remove(trash) }
            do {
                try FileSystem.move(path, to: trash)
            } catch {
                // Another process was faster.
                if try !FileSystem.exists(path) { continue }
                throw error
            }
            try FileTree.remove(trash)
        }
    }

    /// Those of the names in an experiment's directories that no interval names.
    func orphans(
        of experiment: String, given intervals: [Interval], published: [String], attempts: [String]
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
            published.filter { !checkpoints.contains($0) && !running.contains($0) }
            .map { checkpoint($0, of: experiment) }
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
        let published = try FileSystem.names(in: directory(of: experiment).appending("checkpoints"))
        let begun = try FileSystem.names(in: attempts(of: experiment))
        let intervals = try await store.intervals(of: experiment)
        return try orphans(of: experiment, given: intervals, published: published, attempts: begun)
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
