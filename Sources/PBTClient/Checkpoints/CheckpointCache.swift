// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
import SystemPackage

/// A cache of the server's checkpoints on this machine.
///
/// Its methods block.
///
/// ```
/// ROOT/EXPERIMENT/checkpoints/NAME/    complete; the modification time is the time of the last use
/// ROOT/EXPERIMENT/downloads/NAME.…/    a download in progress
/// ```
/// A process locks the directories that it uses (`flock`). Locked directories are not deleted; the locks end with the
/// process, so that the downloads of a killed process are.
struct CheckpointCache: Sendable {
    let data: DataDirectory
    /// The maximum size in bytes.
    let limit: Int64

    /// A lock on a directory, held until this object is released.
    final class Hold: Sendable {
        private let descriptor: CInt

        fileprivate init(_ descriptor: CInt) {
            self.descriptor = descriptor
        }

        deinit {
            close(descriptor)
        }
    }

    /// Locks a checkpoint for use; nil if it is not in the cache.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func hold(_ name: String, of experiment: String) throws -> Hold? {
        let path = data.checkpoint(name, of: experiment)
        guard let hold = try Self.lock(path, LOCK_SH) else { return nil }
        // It can have been deleted before it was locked.
        guard try FileSystem.exists(path) else { return nil }
        guard path.withPlatformString({ utimensat(AT_FDCWD, $0, nil, 0) }) == 0 else {
            throw FileSystem.error("touch", path, errno)
        }
        return hold
    }

    /// Locks a directory; nil if it does not exist, or another process holds a conflicting lock.
    private static func lock(_ path: FilePath, _ kind: CInt) throws -> Hold? {
        let descriptor = path.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileSystem.error("open", path, errno)
        }
        let hold = Hold(descriptor)
        guard flock(descriptor, kind | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { return nil }
            throw FileSystem.error("lock", path, errno)
        }
        return hold
    }

    private func downloads(_ directory: FilePath) -> FilePath {
        directory.appending("downloads")
    }

    /// Creates an empty directory for a download and locks it.
    func stage(_ name: String, of experiment: String) throws -> (path: FilePath, hold: Hold) {
        let directory = downloads(data.directory(of: experiment))
        try data.make(directory)
        try sweep(directory)
        while true {
            let path = directory.appending("\(name).\(String(UInt64.random(in: 0 ... .max), radix: 36))")
            try FileSystem.makeDirectory(path)
            // Another process can delete it before it is locked.
            if let hold = try Self.lock(path, LOCK_EX) { return (path, hold) }
        }
    }

    /// Deletes the downloads of killed processes.
    private func sweep(_ directory: FilePath) throws {
        for name in try FileSystem.names(in: directory) {
            let path = directory.appending(name)
            guard let hold = try Self.lock(path, LOCK_EX) else { continue }
            try withExtendedLifetime(hold) { try FileTree.remove(path) }
        }
    }

    /// Moves a complete directory into the cache, unless a checkpoint of that name is there.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - name: The checkpoint's name.
    ///   - experiment: The experiment.
    ///   - manifest: The manifest of the checkpoint on the server.
    /// - Throws: A `PBTError`.
    func take(_ path: FilePath, as name: String, of experiment: String, _ manifest: Manifest) throws {
        let target = data.checkpoint(name, of: experiment)
        try FileSystem.makeDirectories(target.removingLastComponent())
        guard try !FileSystem.exists(target) else { return try FileTree.remove(path) }
        // The cache need not be durable: damaged checkpoints are downloaded again.
        try data.write(CheckpointSeal(sealing: path), of: name, in: experiment, isDurable: false)
        try FileSystem.write(manifest.fingerprint, to: fingerprint(name, of: experiment))
        do {
            try FileSystem.move(path, to: target)
        } catch {
            // Another process has moved it there.
            guard try FileSystem.exists(target) else { throw error }
            try FileTree.remove(path)
        }
    }

    /// Returns true if a cached checkpoint has the content of the one on the server, and was not changed here.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func isWhole(_ name: String, of experiment: String, _ manifest: Manifest) throws -> Bool {
        let path = fingerprint(name, of: experiment)
        guard try FileSystem.exists(path), try FileSystem.text(of: path) == manifest.fingerprint else { return false }
        return try data.changes(in: name, of: experiment).isEmpty
    }

    /// Returns the path of the file with the fingerprint of a cached checkpoint.
    private func fingerprint(_ name: String, of experiment: String) -> FilePath {
        data.manifests(of: experiment).appending("\(name).sha256")
    }

    private struct Entry {
        var experiment: FilePath
        var path: FilePath
        var bytes: Int64
        var used: (Int, Int)
    }

    /// Deletes the least recently used checkpoints until the cache fits into its limit.
    ///
    /// - Parameter coming: The size in bytes of a download to make room for.
    /// - Throws: A `PBTError` with code `inputOutput`.
    func trim(for coming: Int64 = 0) throws {
        var entries: [Entry] = []
        for directory in try FileSystem.names(in: data.root).map({ data.root.appending($0) }) {
            let checkpoints = directory.appending("checkpoints")
            for name in try FileSystem.names(in: checkpoints) {
                let path = checkpoints.appending(name)
                var status = stat()
                guard path.withPlatformString({ lstat($0, &status) }) == 0 else { continue }
                #if canImport(Darwin)
                    let used = (status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec)
                #else
                    let used = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
                #endif
                entries.append(
                    Entry(experiment: directory, path: path, bytes: try FileTree.size(path), used: used))
            }
        }
        var total = entries.reduce(coming) { $0.adding(saturating: $1.bytes) }
        for entry in entries.sorted(by: { $0.used < $1.used }) where total > limit {
            if try drop(entry) { total -= entry.bytes }
        }
    }

    /// Deletes a checkpoint that no process uses.
    private func drop(_ entry: Entry) throws -> Bool {
        guard let hold = try Self.lock(entry.path, LOCK_EX) else { return false }
        return try withExtendedLifetime(hold) {
            guard try FileSystem.exists(entry.path) else { return true }
            let directory = downloads(entry.experiment)
            try FileSystem.makeDirectories(directory)
            // A directory with a checkpoint's name is complete at any time.
            let aside = directory.appending("dropped.\(String(UInt64.random(in: 0 ... .max), radix: 36))")
            try FileSystem.move(entry.path, to: aside)
            try FileTree.remove(aside)
            let name = entry.path.lastComponent?.string ?? ""
            for suffix in ["json", "sha256"] {
                try FileTree.remove(entry.experiment.appending("manifests").appending("\(name).\(suffix)"))
            }
            return true
        }
    }
}
