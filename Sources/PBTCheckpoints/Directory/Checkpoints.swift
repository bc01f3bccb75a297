// SPDX-License-Identifier: Apache-2.0

public import PBT

/// A worker's access to checkpoints: it creates attempts with the checkpoints that they continue, and publishes those
/// that they save.
///
/// A ``DataDirectory`` that the worker shares with the store is one implementation; `RemoteCheckpoints` of PBTClient,
/// which downloads and uploads, is another.
public protocol Checkpoints: Sendable {
    /// The directory on this machine in which attempts run.
    var data: DataDirectory { get }

    /// True if this worker deletes unreferenced checkpoints; otherwise the server does.
    var collectsGarbage: Bool { get }

    /// Creates the directories of an attempt and provides the checkpoint that it continues.
    ///
    /// The files of earlier attempts at the same interval are deleted.
    ///
    /// - Parameters:
    ///   - assignment: The leased interval.
    ///   - slot: The slot of the worker that trains it, from 0.
    /// - Returns: The attempt, with its paths.
    /// - Throws: A `PBTError`: `inputOutput`; `noSuchCheckpoint` if the checkpoint to continue was deleted; over a
    ///   network also `unreachable` and `storeBusy`, after which the same call resumes the transfer.
    ///   `CancellationError` if the task is cancelled.
    func begin(_ assignment: Assignment, slot: Int) async throws -> Attempt

    /// Publishes the checkpoint of an attempt atomically, and deletes its other files.
    ///
    /// - Returns: The checkpoint's name.
    /// - Throws: A `PBTError`: `inputOutput`; over a network also `leaseLost`, and `unreachable` and `storeBusy`, after
    ///   which the same call resumes the transfer. Then the checkpoint is not published, or it is unknown if it is.
    func publish(_ attempt: Attempt) async throws -> String

    /// Deletes the files of an attempt, except its log.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func discard(_ attempt: Attempt) throws

    /// Deletes unreferenced published checkpoints; missing ones are ignored.
    ///
    /// - Parameters:
    ///   - names: Names of published checkpoints.
    ///   - experiment: The experiment.
    /// - Throws: A `PBTError` with code `inputOutput`.
    func delete(_ names: [String], of experiment: String) throws
}

extension DataDirectory: Checkpoints {
    /// The directory itself.
    public var data: DataDirectory { self }

    /// True: every worker that shares the directory deletes unreferenced checkpoints.
    public var collectsGarbage: Bool { true }
}
