// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
import SystemPackage

/// Checkpoints on this machine that are on the server too.
///
/// Its calls block.
///
/// ```
/// ROOT/EXPERIMENT/checkpoints/NAME/    whole; its time of change says when it was used last
/// ROOT/EXPERIMENT/downloads/NAME.…/    on its way
/// ```
/// Who uses a directory has a lock on it (`flock`), which ends with the process: nothing in use is deleted, and what a
/// process left that was killed is.
struct CheckpointCache: Sendable {
    let data: DataDirectory
    /// In bytes.
    let limit: Int64

    /// A directory in use, until this object is gone.
    final class Hold: Sendable {
        private let descriptor: CInt

        fileprivate init(_ descriptor: CInt) {
            self.descriptor = descriptor
        }

        deinit {
            close(descriptor)
        }
    }

    /// Takes a checkpoint into use; nothing when it is not in the cache.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func hold(_ name: String, of experiment: String) throws -> Hold? {
        let path = data.checkpoint(name, of: experiment)
        guard let hold = try Self.lock(path, LOCK_SH) else { return nil }
        // Now that nobody deletes it: is it there still?
        guard try FileSystem.exists(path) else { return nil }
        guard path.withPlatformString({ utimensat(AT_FDCWD, $0, nil, 0) }) == 0 else {
            throw FileSystem.error("touch", path, errno)
        }
        return hold
    }

    /// Locks a directory; nothing when there is none, or another process has it for itself.
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

    /// An empty directory for a checkpoint on its way, in use.
    func stage(_ name: String, of experiment: String) throws -> (path: FilePath, hold: Hold) {
        let directory = downloads(data.directory(of: experiment))
        try data.make(directory)
        try sweep(directory)
        while true {
            let path = directory.appending("\(name).\(String(UInt64.random(in: 0 ... .max), radix: 36))")
            try FileSystem.makeDirectory(path)
            // Another process may sweep between the two.
            if let hold = try Self.lock(path, LOCK_EX) { return (path, hold) }
        }
    }

    /// Deletes what killed processes left.
    private func sweep(_ directory: FilePath) throws {
        for name in try FileSystem.names(in: directory) {
            let path = directory.appending(name)
            guard let hold = try Self.lock(path, LOCK_EX) else { continue }
            try withExtendedLifetime(hold) { try FileTree.remove(path) }
        }
    }

    /// Takes a whole directory into the cache, unless there is one of that name.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - name: The checkpoint's name.
    ///   - experiment: The experiment.
    ///   - manifest: What the server has under that name.
    /// - Throws: A `PBTError`.
    func take(_ path: FilePath, as name: String, of experiment: String, _ manifest: Manifest) throws {
        let target = data.checkpoint(name, of: experiment)
        try FileSystem.makeDirectories(target.removingLastComponent())
        guard try !FileSystem.exists(target) else { return try FileTree.remove(path) }
        // The cache need not survive a power cut; what is damaged is fetched again.
        try data.write(CheckpointSeal(sealing: path), of: name, in: experiment, isDurable: false)
        try FileSystem.write(manifest.fingerprint, to: fingerprint(name, of: experiment))
        do {
            try FileSystem.move(path, to: target)
        } catch {
            // Another process was faster.
            guard try FileSystem.exists(target) else { throw error }
            try FileTree.remove(path)
        }
    }

    /// Whether a checkpoint in the cache is what the server has under that name, and was not changed here.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func isWhole(_ name: String, of experiment: String, _ manifest: Manifest) throws -> Bool {
        let path = fingerprint(name, of: experiment)
        guard try FileSystem.exists(path), try FileSystem.text(of: path) == manifest.fingerprint else { return false }
        return try data.changes(in: name, of: experiment).isEmpty
    }

    /// Where it is noted which of all checkpoints of a name is in the cache.
    private func fingerprint(_ name: String, of experiment: String) -> FilePath {
        data.manifests(of: experiment).appending("\(name).sha256")
    }

    private struct Entry {
        var experiment: FilePath
        var path: FilePath
        var bytes: Int64
        var used: (Int, Int)
    }

    /// Deletes what was not used for the longest time until the cache, and what is to come, fit into the limit.
    ///
    /// - Parameter coming: Bytes for which room is needed.
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

    /// Deletes a checkpoint that nobody uses.
    private func drop(_ entry: Entry) throws -> Bool {
        guard let hold = try Self.lock(entry.path, LOCK_EX) else { return false }
        return try withExtendedLifetime(hold) {
            guard try FileSystem.exists(entry.path) else { return true }
            let directory = downloads(entry.experiment)
            try FileSystem.makeDirectories(directory)
            // What bears a checkpoint's name is whole at any time.
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
