// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
import PBTSQLite
import SystemPackage

/// A restore of a store from a backup, which verifies it and overwrites nothing.
struct Restore {
    /// The backup's directory; absolute.
    let backup: FilePath
    /// The new store's file; absolute.
    let target: FilePath

    /// The data directory of the new store.
    var dataTarget: FilePath {
        var directory = target
        directory.extension = "data"
        return directory
    }

    /// Restores the store: completely, or not at all.
    ///
    /// - Returns: The manifest of the backup.
    /// - Throws: A ``Failure`` or `PBTError` for an invalid backup or target.
    func make() throws -> BackupManifest {
        let manifest = try BackupManifest(of: backup)
        try checkTarget()
        let parent = target.removingLastComponent()
        let name = target.lastComponent?.string ?? "pbt.sqlite"
        guard try FileSystem.exists(parent) else {
            throw Failure(.cannotWrite, "there is no directory \(parent) for the store; create it first")
        }
        let partial = parent.appending(".\(name).restore-\(String(UInt64.random(in: 0 ... .max), radix: 36))")
        try FileSystem.makePrivateDirectory(partial)
        // For a signal that ends the process; what cannot be deleted then is left under a hidden name.
        let cleanup = ExitTasks.add { try? FileTree.remove(partial) }
        defer { ExitTasks.remove(cleanup) }
        do {
            try fill(partial, manifest)
            try checkTarget()
            try FileSystem.move(partial.appending("data"), to: dataTarget)
            try place(partial.appending("store"))
            try FileSystem.synchronize(directory: parent)
            try FileTree.remove(partial)
            return manifest
        } catch {
            try FileTree.remove(partial)
            throw error
        }
    }

    /// Rejects a target where something exists, including leftovers of an earlier store.
    private func checkTarget() throws {
        for path in [target] + ["-wal", "-shm", "-journal"].map({ FilePath(target.string + $0) })
        where try FileSystem.exists(path) {
            throw Failure(
                .cannotWrite, "\(near(path)) already exists; restore to another file with --store, or move it away")
        }
        if try FileSystem.exists(dataTarget), try !FileSystem.names(in: dataTarget).isEmpty {
            throw Failure(
                .cannotWrite,
                "the data directory \(near(dataTarget)) already exists; restore to another file with --store, or move "
                    + "it away")
        }
    }

    private func fill(_ partial: FilePath, _ manifest: BackupManifest) throws {
        let file = partial.appending("store")
        let source = backup.appending(manifest.store)
        guard try FileSystem.exists(source) else { throw damaged("there is no \(manifest.store) in it") }
        try FileReplica.make(source, at: file, linking: false)
        guard file.withPlatformString({ chmod($0, 0o600) }) == 0 else { throw FileSystem.error("write", file, errno) }
        let contents = try SQLiteStore.verify(file.string, shown: source.string)
        let (data, copy) = (DataDirectory(backup.appending(manifest.data)), DataDirectory(partial.appending("data")))
        try copy.makeRoot()
        var missing: [String] = []
        for experiment in contents {
            let sizes = manifest.experiments.first { $0.name == experiment.name }?.checkpoints ?? [:]
            for name in Backup.files(of: experiment) {
                let path = data.checkpoint(name, of: experiment.name)
                if try !FileSystem.exists(path) {
                    missing.append("\(experiment.name) \(name) is missing")
                } else if let size = sizes[name], try FileTree.size(path) != size {
                    missing.append("\(experiment.name) \(name) has \(try FileTree.size(path)) bytes instead of \(size)")
                } else {
                    let target = copy.checkpoint(name, of: experiment.name)
                    try FileSystem.makeDirectories(target.removingLastComponent())
                    try FileReplica.make(path, at: target, linking: false)
                    let seal = data.manifests(of: experiment.name).appending("\(name).json")
                    if try FileSystem.exists(seal) {
                        let manifests = copy.manifests(of: experiment.name)
                        try FileSystem.makeDirectories(manifests)
                        try FileReplica.make(seal, at: manifests.appending("\(name).json"), linking: false)
                        let changes = try copy.changes(in: name, of: experiment.name)
                        if let first = changes.first { missing.append("\(experiment.name) \(name): \(first)") }
                    }
                }
            }
            let logs = data.directory(of: experiment.name).appending("logs")
            if missing.isEmpty, try FileSystem.exists(logs) {
                try FileSystem.makeDirectories(copy.directory(of: experiment.name))
                try FileReplica.make(
                    logs, at: copy.directory(of: experiment.name).appending("logs"), linking: false)
            }
        }
        guard missing.isEmpty else {
            let more = missing.count > 5 ? ", and \(missing.count - 5) more" : ""
            throw damaged("checkpoints that its store references: \(missing.prefix(5).joined(separator: ", "))\(more)")
        }
        try FileTree.synchronize(partial)
    }

    private func damaged(_ problem: String) -> Failure {
        Failure(.unreachable, "the backup \(near(backup)) is damaged: \(problem); nothing was restored")
    }

    /// Gives the store's file its name, unless a file of that name exists.
    private func place(_ file: FilePath) throws {
        let result = file.withPlatformString { file in target.withPlatformString { link(file, $0) } }
        if result == 0 { return }
        guard errno != EEXIST, try !FileSystem.exists(target) else {
            throw Failure(.cannotWrite, "\(near(target)) already exists")
        }
        // A file system without hard links.
        try FileSystem.move(file, to: target)
    }
}
