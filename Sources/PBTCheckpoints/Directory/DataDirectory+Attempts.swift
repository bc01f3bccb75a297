// SPDX-License-Identifier: Apache-2.0

public import PBT
package import SystemPackage

extension DataDirectory {
    /// Creates the directories of an attempt: an empty one of its own, with an empty one for the checkpoint.
    ///
    /// The files of earlier attempts at the same interval are deleted. Kill their processes first: a worker does.
    ///
    /// - Parameters:
    ///   - assignment: What will be trained.
    ///   - slot: Which of the worker's slots trains it, from 0.
    /// - Returns: The attempt, with its paths.
    /// - Throws: A `PBTError`: `inputOutput`; `noSuchCheckpoint` when the checkpoint to continue is gone, and
    ///   `changedCheckpoint` when it is not what was published.
    public func begin(_ assignment: Assignment, slot: Int) throws -> Attempt {
        let experiment = assignment.experiment.name
        let lease = assignment.lease
        for earlier in 1..<max(1, lease.attempt) {
            let name = Self.name(of: lease.interval, attempt: earlier)
            try clear(name, of: experiment)
            // It was published, and could not be finished: nothing names it, and nothing will.
            try delete([name], of: experiment)
        }
        let parent = try assignment.parentCheckpoint.map { try verifiedParent($0, of: experiment) }
        let name = Self.name(of: lease.interval, attempt: lease.attempt)
        let scratch = attempt(name, of: experiment)
        // Usually the call that is needed: all above it is there, and nothing of that name.
        if try !FileSystem.makeNewDirectory(scratch) {
            try prepare(experiment)
            try clear(name, of: experiment)
            try FileSystem.makeDirectory(scratch)
        }
        // Earlier versions may have made `attempts` alone.
        try FileSystem.makeDirectory(directory(of: experiment).appending("logs"))
        try FileSystem.makeDirectory(scratch.appending("checkpoint"))
        var attempt = Attempt(
            assignment: assignment, parentCheckpoint: parent?.path, checkpoint: scratch.appending("checkpoint"),
            scratch: scratch, log: log(of: lease.interval, attempt: lease.attempt, of: experiment), slot: slot)
        attempt.parentSeal = parent?.seal
        return attempt
    }

    /// The directory of a checkpoint that an attempt continues, found to be what was published.
    private func verifiedParent(_ name: String, of experiment: String) throws -> (path: FilePath, seal: CheckpointSeal)
    {
        let path = try published(name, of: experiment)
        // Of one that an earlier version published, it is known from now on.
        guard let seal = try seal(of: name, in: experiment) else { return (path, try CheckpointSeal(of: path)) }
        try checkUnchanged(name, of: experiment)
        return (path, seal)
    }

    /// Publishes what an attempt saved, whole or not at all, and deletes its other files.
    ///
    /// Every file and directory is written to disk before the rename that makes the checkpoint visible, and the rename
    /// before this returns.
    ///
    /// - Returns: The checkpoint's name.
    /// - Throws: A `PBTError` with code `inputOutput`; then nothing is published.
    public func publish(_ attempt: Attempt) throws -> String {
        let experiment = attempt.assignment.experiment.name
        let name = Self.name(of: attempt.assignment.lease.interval, attempt: attempt.assignment.lease.attempt)
        let target = checkpoint(name, of: experiment)
        try CheckpointLinks.settle(in: attempt.checkpoint)
        // A rename replaces an empty directory; nothing published is ever replaced.
        guard try !FileSystem.exists(target) else { throw FileSystem.alreadyThere(target) }
        try publish(attempt.checkpoint, as: name, of: experiment)
        try FileTree.remove(attempt.scratch)
        return name
    }

    /// Makes a directory a checkpoint: its files are made read-only, flushed, and sealed; then it gets its name.
    ///
    /// - Throws: A `PBTError`: `badValue` for what no checkpoint may hold, and when its files still change; `inputOutput`.
    ///   Then nothing is published: a checkpoint that a power cut may take away is not.
    package func publish(_ directory: FilePath, as name: String, of experiment: String) throws {
        let seal = try CheckpointSeal(sealing: directory)
        try FileTree.synchronize(directory)
        do {
            try write(seal, of: name, in: experiment, isDurable: true)
            try FileSystem.move(directory, to: checkpoint(name, of: experiment))
            try FileSystem.synchronize(directory: checkpoints(of: experiment))
        } catch {
            // What cannot be deleted either is an orphan: the next attempt at the interval deletes it, and pbt gc.
            try? delete([name], of: experiment)
            throw error
        }
    }

    /// Deletes the files of an attempt, except its log.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func discard(_ attempt: Attempt) throws {
        try FileTree.remove(attempt.scratch)
    }

    /// Deletes the files of an attempt, except its log.
    private func clear(_ name: String, of experiment: String) throws {
        try FileTree.remove(attempt(name, of: experiment))
    }
}

extension FileSystem {
    static func alreadyThere(_ path: FilePath) -> PBTError {
        PBTError(
            .inputOutput,
            "cannot publish the checkpoint \(path): there is one already that no interval names; delete it with: pbt gc"
        )
    }
}
