// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// One attempt at one interval: what to train, and where its files go.
public struct Attempt: Sendable {
    /// What to train.
    public var assignment: Assignment
    /// The directory to restore from, which is not to be written to; none for a founder.
    public var parentCheckpoint: FilePath?
    /// An empty directory to save the checkpoint into.
    public var checkpoint: FilePath
    /// A directory of this attempt's own for its other files; deleted after it.
    public var scratch: FilePath
    /// The file that takes the program's standard output and error.
    public var log: FilePath
    /// Which of the worker's slots trains it, from 0: says which device it gets.
    public var slot: Int
    /// What the checkpoint to restore from is before the attempt.
    package var parentSeal: CheckpointSeal?

    /// One attempt at one interval.
    public init(
        assignment: Assignment, parentCheckpoint: FilePath?, checkpoint: FilePath, scratch: FilePath, log: FilePath,
        slot: Int
    ) {
        self.assignment = assignment
        self.parentCheckpoint = parentCheckpoint
        self.checkpoint = checkpoint
        self.scratch = scratch
        self.log = log
        self.slot = slot
    }
}
