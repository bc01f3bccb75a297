// SPDX-License-Identifier: Apache-2.0

public import PBT
import SystemPackage

extension DataDirectory {
    /// Makes place for an attempt: an empty directory of its own, with an empty directory for the checkpoint.
    ///
    /// Earlier attempts at the same interval are over, whatever they think: what is left of their processes on this
    /// host is killed, and their files are deleted.
    ///
    /// - Parameters:
    ///   - assignment: What will be trained.
    ///   - slot: Which of the worker's slots trains it, from 0.
    /// - Returns: The attempt, with its paths.
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func begin(_ assignment: Assignment, slot: Int) throws -> Attempt {
        let experiment = assignment.experiment.name
        let lease = assignment.lease
        for earlier in 1..<max(1, lease.attempt) {
            try clear(Self.name(of: lease.interval, attempt: earlier), of: experiment)
        }
        let name = Self.name(of: lease.interval, attempt: lease.attempt)
        let scratch = attempt(name, of: experiment)
        // Usually the one call that is needed: all above it is there, and nothing of that name.
        if try !FileSystem.makeNewDirectory(scratch) {
            // `attempts` last: once it is there, others rely on the rest.
            for needed in ["checkpoints", "logs", "attempts"] {
                try make(directory(of: experiment).appending(needed))
            }
            try clear(name, of: experiment)
            try FileSystem.makeDirectory(scratch)
        }
        try FileSystem.makeDirectory(scratch.appending("checkpoint"))
        return Attempt(
            assignment: assignment,
            parentCheckpoint: assignment.parentCheckpoint.map { checkpoint($0, of: experiment) },
            checkpoint: scratch.appending("checkpoint"), scratch: scratch,
            log: log(of: lease.interval, attempt: lease.attempt, of: experiment), slot: slot)
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
        try FileTree.synchronize(attempt.checkpoint)
        // A rename replaces an empty directory; nothing published is ever replaced.
        guard try !FileSystem.exists(target) else { throw FileSystem.alreadyThere(target) }
        try FileSystem.move(attempt.checkpoint, to: target)
        try FileSystem.synchronize(directory: target.removingLastComponent())
        try FileTree.remove(attempt.scratch)
        return name
    }

    /// Deletes the files of an attempt, except its log.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func discard(_ attempt: Attempt) throws {
        try FileTree.remove(attempt.scratch)
    }

    /// Kills what is left of an attempt on this host, and deletes its files, except its log.
    func clear(_ name: String, of experiment: String) throws {
        let directory = attempt(name, of: experiment)
        guard try FileSystem.exists(directory) else { return }
        try Leftovers(of: directory).kill()
        try FileTree.remove(directory)
    }

    /// Kills what is left of the attempts at an interval on this host, and deletes their files, except their logs.
    ///
    /// For whoever knows that their worker is dead: a worker that is killed at once cannot end its trainer.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func killLeftovers(of interval: IntervalID, attempts: Int, of experiment: String) throws {
        for attempt in 1..<max(1, attempts + 1) {
            try clear(Self.name(of: interval, attempt: attempt), of: experiment)
        }
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
