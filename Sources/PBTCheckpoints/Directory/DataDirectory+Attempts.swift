// SPDX-License-Identifier: Apache-2.0

public import PBT
package import SystemPackage

extension DataDirectory {
    /// Creates the directories of an attempt, or of an evaluation: an empty one of its own, with an empty one for the
    /// checkpoint.
    ///
    /// The files of earlier attempts at the same interval are deleted. Kill their processes first: a worker does.
    ///
    /// - Parameters:
    ///   - assignment: The leased interval.
    ///   - slot: The slot of the worker that trains it, from 0.
    /// - Returns: The attempt, with its paths.
    /// - Throws: A `PBTError`: `inputOutput`; `noSuchCheckpoint` if the checkpoint to continue was deleted;
    ///   `changedCheckpoint` if it was changed after it was published.
    public func begin(_ assignment: Assignment, slot: Int) throws -> Attempt {
        let experiment = assignment.experiment.name
        let lease = assignment.lease
        if let number = lease.evaluation { return try begin(assignment, evaluation: number, slot: slot) }
        for earlier in 1..<max(1, lease.attempt) {
            let name = Self.name(of: lease.interval, attempt: earlier)
            try clear(name, of: experiment)
            // If it was published, it was not recorded: nothing references it, and nothing will.
            try delete([name], of: experiment)
        }
        let parent = try assignment.parentCheckpoint.map { try verifiedParent($0, of: experiment) }
        let name = Self.name(of: lease.interval, attempt: lease.attempt)
        let scratch = attempt(name, of: experiment)
        // Usually the only call: the parent exists, and the name is free.
        if try !FileSystem.makeNewDirectory(scratch) {
            try prepare(experiment)
            try clear(name, of: experiment)
            try FileSystem.makeDirectory(scratch)
        }
        // Earlier versions can have created `attempts` only.
        try FileSystem.makeDirectory(directory(of: experiment).appending("logs"))
        try FileSystem.makeDirectory(scratch.appending("checkpoint"))
        var attempt = Attempt(
            assignment: assignment, parentCheckpoint: parent?.path, checkpoint: scratch.appending("checkpoint"),
            scratch: scratch, log: log(of: lease.interval, attempt: lease.attempt, of: experiment), slot: slot)
        attempt.parentSeal = parent?.seal
        return attempt
    }

    /// Returns the directory of a checkpoint to continue, verified against its seal.
    func verifiedParent(_ name: String, of experiment: String) throws -> (path: FilePath, seal: CheckpointSeal) {
        let path = try published(name, of: experiment)
        // An earlier version published it without a seal: changes are detected from now on.
        guard let seal = try seal(of: name, in: experiment) else { return (path, try CheckpointSeal(of: path)) }
        try checkUnchanged(name, of: experiment)
        return (path, seal)
    }

    /// Publishes the checkpoint of an attempt atomically and durably, and deletes its other files.
    ///
    /// Every file and directory is flushed before the rename that makes the checkpoint visible, and the rename is
    /// flushed before this returns.
    ///
    /// - Returns: The checkpoint's name.
    /// - Throws: A `PBTError` with code `inputOutput`; then nothing is published.
    public func publish(_ attempt: Attempt) throws -> String {
        let experiment = attempt.assignment.experiment.name
        let name = Self.name(of: attempt.assignment.lease.interval, attempt: attempt.assignment.lease.attempt)
        let target = checkpoint(name, of: experiment)
        try CheckpointLinks.settle(in: attempt.checkpoint)
        // A rename would replace an empty directory; a published checkpoint is never replaced.
        guard try !FileSystem.exists(target) else { throw FileSystem.alreadyThere(target) }
        try publish(attempt.checkpoint, as: name, of: experiment)
        try FileTree.remove(attempt.scratch)
        return name
    }

    /// Publishes a directory as a checkpoint: makes its files read-only, seals and flushes them, and renames it.
    ///
    /// - Throws: A `PBTError`: `badValue` for entries that a checkpoint must not contain, or if files still change;
    ///   `inputOutput`. Then nothing is published.
    package func publish(_ directory: FilePath, as name: String, of experiment: String) throws {
        let seal = try CheckpointSeal(sealing: directory)
        try FileTree.synchronize(directory)
        do {
            try write(seal, of: name, in: experiment, isDurable: true)
            try FileSystem.move(directory, to: checkpoint(name, of: experiment))
            try FileSystem.synchronize(directory: checkpoints(of: experiment))
        } catch {
            // If this fails too, the next attempt at the interval or pbt gc deletes the orphan.
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
            "cannot publish the checkpoint \(path): it already exists, and no interval references it; delete it with: "
                + "pbt gc"
        )
    }
}
