// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import Synchronization
package import SystemPackage

/// Records the flushes (`fsync`) of files below a directory, and injects failures: for tests.
package final class FlushProbe: Sendable {
    private let prefix: String
    private let fault: @Sendable (FilePath) -> CInt?
    private let seen = Mutex<[FilePath]>([])

    /// Creates a probe for the files below a directory.
    ///
    /// - Parameters:
    ///   - root: The directory, itself included.
    ///   - fault: Returns the error number with which the flush of a path fails; nil flushes it.
    package init(below root: FilePath, fault: @escaping @Sendable (FilePath) -> CInt? = { _ in nil }) {
        prefix = root.string
        self.fault = fault
    }

    /// The paths that were flushed successfully, in order.
    package var flushed: [FilePath] { seen.withLock { $0 } }

    /// Runs `body` while this probe is active.
    ///
    /// - Throws: What `body` throws.
    package func watching<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        FileSystem.probes.withLock { $0.append(self) }
        defer { FileSystem.probes.withLock { $0.removeAll { $0 === self } } }
        return try await body()
    }

    fileprivate func concerns(_ path: FilePath) -> Bool {
        path.string == prefix || path.string.hasPrefix("\(prefix)/")
    }

    fileprivate func fails(_ path: FilePath) -> CInt? {
        fault(path)
    }

    fileprivate func note(_ path: FilePath) {
        seen.withLock { $0.append(path) }
    }
}

extension FileSystem {
    fileprivate static let probes = Mutex<[FlushProbe]>([])

    /// Flushes an open file or directory to disk.
    ///
    /// After a failure the system can have dropped the written data: a second flush proves nothing, so write it again.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func flush(_ descriptor: CInt, _ path: FilePath) throws {
        let watchers = probes.withLock { $0.filter { $0.concerns(path) } }
        for watcher in watchers {
            if let number = watcher.fails(path) { throw error("write to disk", path, number) }
        }
        guard fsync(descriptor) == 0 else { throw error("write to disk", path, errno) }
        for watcher in watchers { watcher.note(path) }
    }

    /// Creates a directory and its missing parents, and flushes the parent of each new one: they survive a power
    /// failure.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func makeDurableDirectories(_ path: FilePath) throws {
        let parent = path.removingLastComponent()
        if try makeNewDirectory(path) { return try synchronize(directory: parent.isEmpty ? "." : parent) }
        if try exists(path) { return }
        guard path.lastComponent != nil, !parent.isEmpty else { throw error("create the directory", path, ENOENT) }
        try makeDurableDirectories(parent)
        // Another process can have created it meanwhile.
        try makeDirectory(path)
        try synchronize(directory: parent)
    }

    /// Returns true if there is a directory at a path, without following a symbolic link.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func isDirectory(_ path: FilePath) throws -> Bool {
        try kind(of: path) == mode_t(S_IFDIR)
    }

    /// Returns the text of a small file; empty if there is no such file.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func text(of path: FilePath) throws -> String {
        try tail(of: path, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Returns the file type bits of `st_mode`, without following a symbolic link; nil if the path does not exist.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    static func kind(of path: FilePath) throws -> mode_t? {
        var status = stat()
        if path.withPlatformString({ lstat($0, &status) }) == 0 { return status.st_mode & mode_t(S_IFMT) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw error("access", path, errno)
    }
}
