// SPDX-License-Identifier: Apache-2.0

package import PBT
package import SystemPackage

extension DataDirectory {
    /// Returns the directories of the attempts at an evaluation, from the first to the given one.
    ///
    /// - Parameters:
    ///   - number: The number of the evaluation.
    ///   - lease: The lease on the evaluation.
    /// - Returns: Paths, by attempt.
    package func evaluations(_ number: Int, under lease: Lease) -> [FilePath] {
        let all = directory(of: lease.experiment).appending("evaluations")
        return (1...max(1, lease.attempt)).map {
            all.appending(Self.name(of: lease.interval, evaluation: number, attempt: $0))
        }
    }

    /// Returns the name of an attempt at an evaluation: `m0003-i0012-e0-a1`.
    private static func name(of interval: IntervalID, evaluation: Int, attempt: Int) -> String {
        let name = CheckpointName(interval, attempt: attempt).description
        let suffix = "-a\(attempt)"
        return name.hasSuffix(suffix) ? "\(name.dropLast(suffix.count))-e\(evaluation)\(suffix)" : name
    }

    /// Creates the directories of an attempt at an evaluation; the checkpoint is not changed.
    ///
    /// - Parameters:
    ///   - assignment: The leased evaluation.
    ///   - number: The number of the evaluation.
    ///   - slot: The slot of the worker that evaluates, from 0.
    /// - Returns: The attempt, with its paths.
    /// - Throws: A `PBTError`: `inputOutput`; `noSuchCheckpoint`, `changedCheckpoint`.
    func begin(_ assignment: Assignment, evaluation number: Int, slot: Int) throws -> Attempt {
        let lease = assignment.lease
        guard let checkpoint = assignment.parentCheckpoint else {
            throw PBTError(.noSuchCheckpoint, "interval \(lease.interval) has no checkpoint to evaluate")
        }
        let parent = try verifiedParent(checkpoint, of: lease.experiment)
        try prepare(lease.experiment)
        try FileSystem.makeDirectory(directory(of: lease.experiment).appending("evaluations"))
        let directories = evaluations(number, under: lease)
        for directory in directories { try FileTree.remove(directory) }
        let scratch = directories[directories.count - 1]
        try FileSystem.makeDirectory(scratch)
        try FileSystem.makeDirectory(scratch.appending("checkpoint"))
        let logs = directory(of: lease.experiment).appending("logs")
        try FileSystem.makeDirectory(logs)
        let name = Self.name(of: lease.interval, evaluation: number, attempt: lease.attempt)
        var attempt = Attempt(
            assignment: assignment.evaluating, parentCheckpoint: parent.path,
            checkpoint: scratch.appending("checkpoint"), scratch: scratch, log: logs.appending("\(name).log"),
            slot: slot)
        attempt.parentSeal = parent.seal
        return attempt
    }
}
