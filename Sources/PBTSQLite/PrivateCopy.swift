// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A private copy of a store, for reading a store where nothing may be written.
///
/// SQLite cannot read a write-ahead log without a shared index, which it would have to create; and a store of an
/// earlier version must be brought up to date before it can be read. Both are done to the copy.
final class PrivateCopy: Sendable {
    /// The copied file.
    let path: String
    private let directory: String

    /// Creates an empty directory in `TMPDIR`, accessible only to its owner.
    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/pbt-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw PrivateCopy.failure(parent, errno)
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = "\(directory)/store.sqlite"
    }

    deinit { remove() }

    /// Deletes the copy.
    func remove() {
        for file in [path] + StoreFile.sideFiles(of: path) + ["\(path)-journal"] { unlink(file) }
        rmdir(directory)
    }

    /// Copies a store that no process writes to, with its write-ahead log.
    ///
    /// - Throws: A `PBTError`: `storeBusy` if the store keeps changing, `inputOutput` if it cannot be read or
    ///   the copy cannot be written.
    func fill(from source: String) throws {
        let log = "\(source)-wal"
        for _ in 0..<20 {
            let before = [State(source), State(log)]
            try Self.copy(source, to: path)
            if StoreFile.exists(log) { try Self.copy(log, to: "\(path)-wal") } else { unlink("\(path)-wal") }
            if before == [State(source), State(log)] { return }
        }
        throw PBTError(.storeBusy, "the store \(source) changes while it is being read; try again later")
    }

    /// The state of a file, which changes when the file is written to.
    private struct State: Equatable {
        var identity: [UInt64] = []
        var size: Int64 = -1
        var time: [Int64] = []

        init(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
            size = Int64(status.st_size)
            #if canImport(Darwin)
                time = [Int64(status.st_mtimespec.tv_sec), Int64(status.st_mtimespec.tv_nsec)]
            #else
                time = [Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec)]
            #endif
        }
    }

    private static func failure(_ path: String, _ number: Int32) -> PBTError {
        PBTError(
            .inputOutput,
            "cannot copy the store to \(path): \(String(cString: strerror(number))); a read-only store is read "
                + "from a copy: set TMPDIR to a directory with enough space")
    }

    private static func copy(_ source: String, to target: String) throws {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else {
            let reason = String(cString: strerror(errno))
            throw PBTError(.unusableStore, "the store \(source) cannot be read: \(reason); check its permissions")
        }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw failure(target, errno) }
        defer { close(output) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &buffer, buffer.count)
            if count == 0 { return }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw PBTError(
                    .inputOutput, "the store \(source) cannot be read: \(String(cString: strerror(errno)))")
            }
            var written = 0
            while written < count {
                let step = buffer[written..<count].withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
                guard step >= 0 || errno == EINTR else { throw failure(target, errno) }
                written += max(0, step)
            }
        }
    }
}
