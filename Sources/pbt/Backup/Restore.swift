// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTSQLite
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes a store out of a backup, after checking it; nothing that is there is overwritten.
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

    /// Restores: all of it, or nothing.
    ///
    /// - Returns: What was restored.
    /// - Throws: A ``Failure`` or `PBTError` that says what is wrong with the backup or the target.
    func make() throws -> BackupManifest {
        let manifest = try BackupManifest(of: backup)
        try checkTarget()
        let parent = target.removingLastComponent()
        let name = target.lastComponent?.string ?? "pbt.sqlite"
        guard try FileSystem.exists(parent) else {
            throw Failure(.cannotWrite, "there is no directory \(parent) for the store; make it first")
        }
        let partial = parent.appending(".\(name).restore-\(String(UInt64.random(in: 0 ... .max), radix: 36))")
        try FileSystem.makePrivateDirectory(partial)
        // When a signal ends the process; what cannot be deleted then stays under a hidden name.
        let cleanup = OpenStores.add { try? FileTree.remove(partial) }
        defer { OpenStores.remove(cleanup) }
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

    /// Refuses to overwrite anything, also what an earlier store left.
    private func checkTarget() throws {
        for path in [target] + ["-wal", "-shm", "-journal"].map({ FilePath(target.string + $0) })
        where try FileSystem.exists(path) {
            throw Failure(
                .cannotWrite, "\(near(path)) is there already; restore to another file with --store, or move it away")
        }
        if try FileSystem.exists(dataTarget), try !FileSystem.names(in: dataTarget).isEmpty {
            throw Failure(
                .cannotWrite,
                "the data directory \(near(dataTarget)) is there already; restore to another file with --store, or move "
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
            throw damaged("checkpoints that its store names: \(missing.prefix(5).joined(separator: ", "))\(more)")
        }
        try FileTree.synchronize(partial)
    }

    private func damaged(_ what: String) -> Failure {
        Failure(.unreachable, "the backup \(near(backup)) is damaged: \(what); nothing was restored")
    }

    /// Gives the store's file its name, unless there is a file of that name.
    private func place(_ file: FilePath) throws {
        let result = file.withPlatformString { file in target.withPlatformString { link(file, $0) } }
        if result == 0 { return }
        guard errno != EEXIST, try !FileSystem.exists(target) else {
            throw Failure(.cannotWrite, "\(near(target)) is there already")
        }
        // A file system without hard links.
        try FileSystem.move(file, to: target)
    }
}
