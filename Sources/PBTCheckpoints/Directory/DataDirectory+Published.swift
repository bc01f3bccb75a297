// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
public import SystemPackage

/// Paths of published checkpoints, from names that come out of a store or over a network.
extension DataDirectory {
    /// Where a published checkpoint is; nil for a string that is not the name of one.
    public func checkpoint(named name: String, of experiment: String) -> FilePath? {
        CheckpointName(name).map { checkpoint("\($0)", of: experiment) }
    }

    /// Where the published checkpoints of an experiment are.
    package func checkpoints(of experiment: String) -> FilePath {
        directory(of: experiment).appending("checkpoints")
    }

    /// Returns the directory of a published checkpoint, which is there and is not reached through a symbolic link.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint` for a string that is not a checkpoint's name, and when there is no such
    ///   directory; `inputOutput` when a symbolic link or a file is in its place.
    package func published(_ name: String, of experiment: String) throws -> FilePath {
        guard let path = checkpoint(named: name, of: experiment) else {
            throw PBTError(
                .noSuchCheckpoint,
                "\(Value.string(String(name.prefix(100))).json) is not the name of a checkpoint; they are named like "
                    + "m0003-i0012-a1")
        }
        for directory in [checkpoints(of: experiment), path] {
            guard let kind = try FileSystem.kind(of: directory) else {
                throw PBTError(.noSuchCheckpoint, "the checkpoint \(path) is gone: was it deleted by hand?")
            }
            guard kind == FileSystem.directoryKind else { throw FileSystem.notADirectory(directory) }
        }
        return path
    }

    /// Whether a checkpoint of that name is published here.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func isPublished(_ name: String, of experiment: String) throws -> Bool {
        guard let path = checkpoint(named: name, of: experiment) else { return false }
        if try FileSystem.isDirectory(path) { return true }
        // A network file system may remember for a while that there was none; listing makes it look again.
        _ = try FileSystem.names(in: checkpoints(of: experiment))
        return try FileSystem.isDirectory(path)
    }

    /// Creates the directories of an experiment.
    ///
    /// `attempts` comes last, when all above and beside it would survive a power cut: once it is there, others rely on
    /// the rest.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func prepare(_ experiment: String) throws {
        let directory = directory(of: experiment)
        try makeRoot()
        try FileSystem.makeDurableDirectories(directory)
        for needed in ["checkpoints", "manifests", "logs"] {
            try FileSystem.makeDirectory(directory.appending(needed))
        }
        try FileSystem.synchronize(directory: directory)
        // Another process may have created the experiment's directory, and may not have come to flush it.
        try FileSystem.synchronize(directory: root)
        try FileSystem.makeDirectory(attempts(of: experiment))
    }
}

extension FileSystem {
    static let directoryKind = mode_t(S_IFDIR)

    /// The error for something that must be a directory itself.
    static func notADirectory(_ path: FilePath) -> PBTError {
        PBTError(
            .inputOutput,
            "\(path) is a symbolic link or a file, not a directory; pbt follows no links among checkpoints: put the whole "
                + "data directory elsewhere, or move the directory back")
    }
}
