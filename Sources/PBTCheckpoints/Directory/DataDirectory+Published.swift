// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
public import SystemPackage

/// Paths of published checkpoints, for names from a store or a network.
extension DataDirectory {
    /// Returns the path of a published checkpoint; nil for a string that is not a valid checkpoint name.
    public func checkpoint(named name: String, of experiment: String) -> FilePath? {
        CheckpointName(name).map { checkpoint("\($0)", of: experiment) }
    }

    /// Returns the directory of the published checkpoints of an experiment.
    package func checkpoints(of experiment: String) -> FilePath {
        directory(of: experiment).appending("checkpoints")
    }

    /// Returns the directory of a published checkpoint, verified to exist and not to be a symbolic link.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint` for an invalid name or a missing directory; `inputOutput` if a
    ///   symbolic link or a file is in its place.
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

    /// Returns true if a checkpoint of that name is published in this directory.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func isPublished(_ name: String, of experiment: String) throws -> Bool {
        guard let path = checkpoint(named: name, of: experiment) else { return false }
        if try FileSystem.isDirectory(path) { return true }
        // A network file system can cache the absence of a name; listing the directory refreshes it.
        _ = try FileSystem.names(in: checkpoints(of: experiment))
        return try FileSystem.isDirectory(path)
    }

    /// Creates the directories of an experiment.
    ///
    /// `attempts` is created last, when its parents and siblings have been flushed: its existence implies that they are
    /// durable.
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
        // Another process can have created the experiment's directory without flushing it yet.
        try FileSystem.synchronize(directory: root)
        try FileSystem.makeDirectory(attempts(of: experiment))
    }
}

extension FileSystem {
    static let directoryKind = mode_t(S_IFDIR)

    /// Returns the error for a path that is not a directory or is a symbolic link to one.
    static func notADirectory(_ path: FilePath) -> PBTError {
        PBTError(
            .inputOutput,
            "\(path) is a symbolic link or a file, not a directory; pbt does not follow links to checkpoints: move the "
                + "whole data directory instead, or move the directory back")
    }
}
