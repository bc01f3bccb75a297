// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// One attempt at one interval, with the paths of its files.
public struct Attempt: Sendable {
    /// The leased interval to train.
    public var assignment: Assignment
    /// The checkpoint to restore from, which must not be written to; nil for a founder.
    public var parentCheckpoint: FilePath?
    /// The directory to save the checkpoint in, empty at first.
    public var checkpoint: FilePath
    /// The directory of this attempt for its other files; deleted after it.
    public var scratch: FilePath
    /// The log file of the program's standard output and standard error.
    public var log: FilePath
    /// The slot of the worker that trains it, from 0; determines the device.
    public var slot: Int
    /// The seal of the checkpoint to restore from, before the attempt.
    package var parentSeal: CheckpointSeal?

    /// Creates an attempt from its paths.
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
