// SPDX-License-Identifier: Apache-2.0

public import PBT

/// Where a worker's attempts run, where the checkpoints that they continue come from, and where those that they save go.
///
/// A ``DataDirectory`` that the worker shares with the store is one; another fetches and sends over a network.
public protocol Checkpoints: Sendable {
    /// The directory on this machine that attempts run in.
    var data: DataDirectory { get }

    /// Whether deleting what nothing needs is this worker's work; otherwise somebody else does it.
    var collectsGarbage: Bool { get }

    /// Makes place for an attempt, with the checkpoint that it continues.
    ///
    /// Earlier attempts at the same interval are over, whatever they think: what is left of them here is cleared away.
    ///
    /// - Parameters:
    ///   - assignment: What will be trained.
    ///   - slot: Which of the worker's slots trains it, from 0.
    /// - Returns: The attempt, with its paths.
    /// - Throws: A `PBTError`: `inputOutput`; of a network also `unreachable` and `storeBusy`, after which the same call
    ///   goes on, and `noSuchCheckpoint` when the checkpoint to continue is gone. `CancellationError` when the task is
    ///   cancelled.
    func begin(_ assignment: Assignment, slot: Int) async throws -> Attempt

    /// Publishes what an attempt saved, whole or not at all, and deletes its other files.
    ///
    /// - Returns: The checkpoint's name.
    /// - Throws: A `PBTError`: `inputOutput`; of a network also `unreachable` and `storeBusy`, after which the same call
    ///   goes on, and `leaseLost`. Then nothing is published, or nobody knows.
    func publish(_ attempt: Attempt) async throws -> String

    /// Deletes the files of an attempt, except its log.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func discard(_ attempt: Attempt) throws

    /// Deletes published checkpoints that nothing names; those that are gone already are as good.
    ///
    /// - Parameters:
    ///   - names: Names of published checkpoints.
    ///   - experiment: The experiment.
    /// - Throws: A `PBTError` with code `inputOutput`.
    func delete(_ names: [String], of experiment: String) throws
}

extension DataDirectory: Checkpoints {
    /// Itself.
    public var data: DataDirectory { self }

    /// Whoever shares the directory deletes what is garbage in it.
    public var collectsGarbage: Bool { true }
}
