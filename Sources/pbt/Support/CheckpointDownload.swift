// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTClient
import PBTReport
import SystemPackage

/// Copies an interval's checkpoint to a directory of the user: verified and complete, or not at all.
struct CheckpointDownload {
    let loaded: LoadedExperiment
    let interval: Interval

    /// Copies the checkpoint, or downloads it from the server, and verifies its hashes.
    ///
    /// - Parameter directory: A path that does not exist.
    /// - Returns: The absolute path, and the size in bytes.
    /// - Throws: A ``Failure`` or ``PBTError``; nothing is left at the path then.
    func save(to directory: String) async throws -> (path: FilePath, bytes: Int64) {
        let target = try absolute(FilePath(directory))
        guard try !FileSystem.exists(target) else {
            throw Failure(.cannotWrite, "\(directory) already exists; name a directory that does not")
        }
        if loaded.history.keepsFilesElsewhere(interval) {
            let files = loaded.history.modelFiles(of: interval).map { "\($0.key) \(PlainText.line($0.path))" }
            throw Failure(
                .noResult,
                "the job \(interval.jobID) of \"\(loaded.experiment.name)\" has no checkpoint here, since Schedy's clients "
                    + "keep their files; its results name "
                    + (files.isEmpty
                        ? "none (\(ModelFile.keys.joined(separator: ", ")))" : files.joined(separator: ", ")))
        }
        guard interval.checkpointState == .kept, let name = interval.checkpointName else {
            throw Failure(
                .noResult,
                "interval \(interval.id) of \"\(loaded.experiment.name)\" has no checkpoint (any more); see: "
                    + Hint.command("show", loaded.experiment.name, in: loaded.opened))
        }
        let parent = target.removingLastComponent()
        try FileSystem.makeDirectories(parent)
        let random = String(UInt64.random(in: 0 ... .max), radix: 36)
        let partial = parent.appending(".\(target.lastComponent?.string ?? "checkpoint").\(random)")
        do {
            try await fetch(name, to: partial)
            let bytes = try FileTree.size(partial)
            try FileTree.synchronize(partial)
            try FileSystem.move(partial, to: target)
            try FileSystem.synchronize(directory: parent)
            return (target, bytes)
        } catch {
            try FileTree.remove(partial)
            throw error
        }
    }

    private func fetch(_ name: CheckpointName, to directory: FilePath) async throws {
        let experiment = loaded.experiment.name
        guard let data = loaded.opened.data else {
            guard let remote = loaded.opened.store as? RemoteStore else {
                throw PBTError(.inconsistent, "the store \(loaded.opened.location) has no directory for checkpoints")
            }
            try FileSystem.makeDirectory(directory)
            return try await remote.download(name, of: experiment, to: directory)
        }
        do {
            try FileReplica.make(data.checkpoint("\(name)", of: experiment), at: directory, linking: false)
        } catch is FileReplica.Vanished {
            throw PBTError(
                .noSuchCheckpoint, "the checkpoint of \(interval.id) of \"\(experiment)\" is not in \(data.root)")
        }
        let changes = try data.seal(of: "\(name)", in: experiment)?.changes(at: directory) ?? []
        guard changes.isEmpty else {
            throw PBTError(
                .inputOutput,
                "the checkpoint of \(interval.id) of \"\(experiment)\" differs from what was published: "
                    + changes.prefix(3).joined(separator: ", "))
        }
        try Self.makeWritable(directory)
    }

    /// Makes a copy writable: published files are read-only.
    private static func makeWritable(_ path: FilePath) throws {
        for name in try FileSystem.names(in: path) where try FileSystem.makeUserWritable(path.appending(name)) {
            try makeWritable(path.appending(name))
        }
        _ = try FileSystem.makeUserWritable(path)
    }
}
