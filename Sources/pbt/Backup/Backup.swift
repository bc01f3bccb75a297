// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTSQLite
import PBTWorker
import Synchronization
import SystemPackage

/// A consistent copy of a store and its checkpoints, made while others train.
///
/// Unreferenced checkpoints are deleted constantly, so whichever of the two is copied first does not match the other.
/// Therefore every existing checkpoint is held by hard links first. Then a snapshot of the store is opened, the checkpoints
/// that it references and that are not held yet are linked within milliseconds, and the snapshot is copied. If one was
/// deleted in between, another round follows, which holds more. No process has to cooperate.
struct Backup {
    let store: SQLiteStore
    let data: DataDirectory
    /// The backup's directory; absolute.
    let target: FilePath
    /// Copies logs too.
    let includesLogs: Bool
    /// Copies every file, even where it could be linked.
    let isCopying: Bool

    /// The maximum number of rounds.
    private static let mostRounds = 100
    /// The number of snapshots in which a checkpoint may be missing before it is considered lost.
    private static let mostMisses = 5

    /// A held checkpoint.
    private struct Held {
        var path: FilePath
        var identity: FileReplica.Identity
    }

    /// The held checkpoints, by experiment and name; used by one task at a time.
    private final class Stage: Sendable {
        let root: FilePath
        let held = Mutex<[Int64: [String: Held]]>([:])
        let misses = Mutex<[FilePath: Int]>([:])

        init(_ root: FilePath) { self.root = root }
    }

    /// Creates the backup: complete, or not at all.
    ///
    /// - Returns: Its contents.
    /// - Throws: A ``Failure`` or `PBTError`; then nothing is left at the target.
    func make() async throws -> BackupManifest {
        let parent = target.removingLastComponent()
        guard let name = target.lastComponent?.string else { throw Failure(.usage, "\(target) cannot be a backup") }
        if try FileSystem.exists(target), try !isEmptyDirectory(target) {
            throw Failure(.cannotWrite, "\(near(target)) already exists; name a directory that does not")
        }
        try FileSystem.makeDirectories(parent)
        try data.removeStaleStages()
        try PartialBackup.removeStale(in: parent)
        let partial = PartialBackup.path(for: name, in: parent)
        try FileSystem.makePrivateDirectory(partial)
        let stage = Stage(try makeStage(or: partial.appending(".stage")))
        let cleanup = ExitTasks.add {
            // What cannot be deleted now, the next backup or pbt gc deletes.
            try? FileTree.remove(stage.root)
            try? FileTree.remove(partial)
        }
        defer { ExitTasks.remove(cleanup) }
        do {
            let manifest = try await fill(partial, from: stage)
            try FileTree.remove(stage.root)
            try FileSystem.move(partial, to: target)
            try FileSystem.synchronize(directory: parent)
            return manifest
        } catch {
            try FileTree.remove(stage.root)
            try FileTree.remove(partial)
            throw error
        }
    }

    private func isEmptyDirectory(_ path: FilePath) throws -> Bool {
        do { return try FileSystem.names(in: path).isEmpty } catch { return false }
    }

    /// Creates a directory next to the checkpoints, so that they can be linked; in the backup where that is read-only.
    private func makeStage(or other: FilePath) throws -> FilePath {
        let own = data.backupStage()
        do {
            if try FileSystem.exists(data.root) {
                try FileSystem.makePrivateDirectory(own)
                return own
            }
        } catch is PBTError {
            // A read-only data directory: checkpoints are copied rather than linked.
        }
        do {
            try FileSystem.makePrivateDirectory(other)
        } catch {
            try FileTree.remove(other.removingLastComponent())
            throw error
        }
        return other
    }

    private func fill(_ partial: FilePath, from stage: Stage) async throws -> BackupManifest {
        let storeName = FilePath(store.path).lastComponent?.string ?? "pbt.sqlite"
        let dataName = data.root.lastComponent?.string ?? "pbt.data"
        let created = StoreClock.system.now()
        let contents = try await snapshot(to: partial.appending(storeName), holding: stage)
        let copy = DataDirectory(partial.appending(dataName))
        try copy.makeRoot()
        var entries: [BackupManifest.Entry] = []
        for experiment in contents {
            var entry = BackupManifest.Entry(name: experiment.name, checkpoints: [:])
            for name in Self.files(of: experiment) {
                guard let held = stage.held.withLock({ $0[experiment.id]?[name] }) else { continue }
                let path = copy.checkpoint(name, of: experiment.name)
                try FileSystem.makeDirectories(path.removingLastComponent())
                try FileReplica.make(held.path, at: path, linking: !isCopying)
                entry.checkpoints[name] = try FileTree.size(path)
                let seal = FilePath(held.path.string + ".json")
                if try FileSystem.exists(seal) {
                    let manifests = copy.manifests(of: experiment.name)
                    try FileSystem.makeDirectories(manifests)
                    try FileReplica.make(seal, at: manifests.appending("\(name).json"), linking: !isCopying)
                }
            }
            if includesLogs { try copyLogs(of: experiment, to: copy) }
            entries.append(entry)
        }
        try FileTree.synchronize(copy.root)
        let manifest = BackupManifest(
            store: storeName, data: dataName, created: created, hasLogs: includesLogs, experiments: entries)
        try FileSystem.write(manifest.value.prettyJSON + "\n", to: partial.appending(BackupManifest.name))
        // If it is in the backup itself, it must be deleted in the end.
        try FileTree.remove(stage.root)
        try FileSystem.synchronize(file: partial.appending(BackupManifest.name))
        try FileSystem.synchronize(directory: partial)
        return manifest
    }

    /// Returns the checkpoints of an experiment that have valid names.
    static func files(of experiment: BackupExperiment) -> [String] {
        experiment.checkpoints.filter { CheckpointName($0) != nil }
    }

    // MARK: Holding checkpoints

    private func snapshot(to path: FilePath, holding stage: Stage) async throws -> [BackupExperiment] {
        for _ in 0..<Self.mostRounds {
            for record in try await store.experiments() { try hold(record, in: stage) }
            let contents = try await store.backup(to: path.string) { experiments in
                var isWhole = true
                for experiment in experiments {
                    for name in Self.files(of: experiment) {
                        isWhole = try hold(name, of: experiment.name, experiment.id, in: stage) && isWhole
                    }
                }
                return isWhole
            }
            if let contents { return contents }
        }
        throw Failure(
            .tryLater,
            "checkpoints are deleted faster than \(Self.mostRounds) snapshots of the store could be matched; try again, "
                + "or pause the experiments first: pbt pause EXPERIMENT")
    }

    /// Holds all existing checkpoints of an experiment.
    private func hold(_ record: ExperimentRecord, in stage: Stage) throws {
        let name = record.experiment.name
        let directory = data.directory(of: name).appending("checkpoints")
        guard try FileSystem.exists(directory) else { return }
        for checkpoint in try FileSystem.names(in: directory) where CheckpointName(checkpoint) != nil {
            guard stage.held.withLock({ $0[record.id]?[checkpoint] }) == nil else { continue }
            _ = try take(data.checkpoint(checkpoint, of: name), checkpoint, record.id, in: stage)
        }
    }

    /// Holds a checkpoint that a snapshot references.
    ///
    /// - Returns: False when it was deleted before it could be held.
    /// - Throws: A ``Failure`` when it is missing repeatedly.
    private func hold(_ name: String, of experiment: String, _ id: Int64, in stage: Stage) throws -> Bool {
        let path = data.checkpoint(name, of: experiment)
        let held = stage.held.withLock { $0[id]?[name] }
        do {
            // The held one may belong to an earlier experiment of the same name.
            if let held, try FileReplica.identity(path) == held.identity { return true }
        } catch is FileReplica.Vanished {
            // Deleted since it was held: the snapshot is older than that.
            return true
        }
        if let held {
            try FileTree.remove(held.path)
            stage.held.withLock { $0[id]?[name] = nil }
        }
        if try take(path, name, id, in: stage) { return true }
        let misses = stage.misses.withLock { misses in
            misses[path, default: 0] += 1
            return misses[path] ?? 0
        }
        guard misses < Self.mostMisses else {
            throw Failure(
                .noSuch,
                "the store references the checkpoint \(path), which is missing; a backup would be incomplete. Put it back, "
                    + "or remove the experiment with: \(Hint.aboutCurrentStore("rm", experiment))")
        }
        return false
    }

    private func take(_ path: FilePath, _ name: String, _ id: Int64, in stage: Stage) throws -> Bool {
        let target = stage.root.appending(String(id)).appending(name)
        do {
            let identity = try FileReplica.identity(path)
            try FileSystem.makeDirectories(target.removingLastComponent())
            try FileReplica.make(path, at: target)
            try takeManifest(of: path, for: target)
            guard try FileReplica.identity(path) == identity else {
                try FileTree.remove(target)
                return false
            }
            stage.held.withLock { $0[id, default: [:]][name] = Held(path: target, identity: identity) }
            return true
        } catch is FileReplica.Vanished {
            try FileTree.remove(target)
            return false
        }
    }

    /// Holds the manifest of a checkpoint; checkpoints of earlier versions have none.
    private func takeManifest(of checkpoint: FilePath, for target: FilePath) throws {
        let directory = checkpoint.removingLastComponent().removingLastComponent()
        guard let name = checkpoint.lastComponent?.string else { return }
        let held = FilePath(target.string + ".json")
        try FileTree.remove(held)
        do {
            try FileReplica.make(directory.appending("manifests").appending("\(name).json"), at: held)
        } catch is FileReplica.Vanished {
            // None, or deleted with its checkpoint, which the next check detects.
        }
    }

    /// Copies the logs; those of running attempts are still written to, and so are never linked.
    private func copyLogs(of experiment: BackupExperiment, to copy: DataDirectory) throws {
        let running = Set(
            experiment.running.map {
                DataDirectory.name(of: IntervalID(member: $0.member, index: $0.index), attempt: $0.attempt) + ".log"
            })
        let source = data.directory(of: experiment.name).appending("logs")
        guard try FileSystem.exists(source) else { return }
        let target = copy.directory(of: experiment.name).appending("logs")
        try FileSystem.makeDirectories(target)
        for name in try FileSystem.names(in: source) {
            do {
                try FileReplica.make(
                    source.appending(name), at: target.appending(name),
                    linking: !isCopying && name.hasSuffix(".log") && !running.contains(name)
                        && isFinished(name, experiment))
            } catch is FileReplica.Vanished {
                // Deleted with its experiment.
            }
        }
    }

    /// Returns true if an attempt had certainly ended when the snapshot was taken: its checkpoint is kept.
    private func isFinished(_ log: String, _ experiment: BackupExperiment) -> Bool {
        experiment.checkpoints.contains(String(log.dropLast(4)))
    }
}
