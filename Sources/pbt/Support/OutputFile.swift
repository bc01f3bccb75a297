// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

/// A writer to standard output, or to a file that is replaced atomically.
struct OutputFile: ~Copyable {
    private let descriptor: FileDescriptor
    /// The name of the destination, for messages.
    private let name: String
    /// The temporary file, and the file that it replaces at the end; nil when the file is written in place.
    private let renaming: (from: FilePath, to: FilePath)?
    private var buffer: [UInt8] = []
    private var isClosed = false

    /// The size of the buffer in bytes.
    private static let chunk = 1 << 16

    /// Opens the destination.
    ///
    /// - Parameters:
    ///   - path: The file; `-` is standard output. A device or a pipe is written in place.
    ///   - isSecret: Makes the file readable by its owner only (mode 0600).
    /// - Throws: A ``Failure`` when it cannot be written.
    init(_ path: String, isSecret: Bool = false) throws {
        let place = try Self.place(path, isSecret: isSecret)
        name = path == "-" ? "standard output" : path
        descriptor = place.descriptor
        renaming = place.renaming
    }

    private static func place(
        _ path: String, isSecret: Bool
    ) throws -> (descriptor: FileDescriptor, renaming: (from: FilePath, to: FilePath)?) {
        guard path != "-" else { return (.standardOutput, nil) }
        var target = try absolute(FilePath(path))
        let directory = target.removingLastComponent()
        guard Self.type(of: directory) == S_IFDIR else {
            throw Failure(.cannotWrite, "cannot write \(path): there is no directory \(directory); create it first")
        }
        switch Self.type(of: target) {
        case S_IFDIR: throw Failure(.cannotWrite, "cannot write \(path): it is a directory; name a file in it")
        case nil, S_IFREG:
            // A symbolic link stays one; its target is replaced.
            if let resolved = realpath(target.string, nil) {
                target = FilePath(String(cString: resolved))
                free(resolved)
            }
            let part = target.removingLastComponent().appending(
                ".\(target.lastComponent?.string ?? "output").\(getpid()).part")
            // Never into an existing file, which others might have open.
            unlink(part.string)
            return (
                try Self.opened(part, for: path, [.create, .exclusiveCreate], mode: isSecret ? 0o600 : 0o666),
                (part, target)
            )
        default:
            return (try Self.opened(target, for: path, []), nil)
        }
    }

    deinit {
        guard !isClosed, descriptor != .standardOutput else { return }
        close(descriptor.rawValue)
        if let renaming { unlink(renaming.from.string) }
    }

    private static func opened(
        _ file: FilePath, for path: String, _ options: FileDescriptor.OpenOptions, mode: CInterop.Mode = 0o666
    ) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                file, .writeOnly, options: options, permissions: FilePermissions(rawValue: mode))
        } catch {
            throw Failure(.cannotWrite, "cannot write \(path): \(error)")
        }
    }

    /// Returns the type of the file at a path; nil when there is none.
    private static func type(of path: FilePath) -> mode_t? {
        var status = stat()
        guard stat(path.string, &status) == 0 else { return nil }
        return status.st_mode & S_IFMT
    }

    /// Appends bytes.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    mutating func append(_ bytes: some Sequence<UInt8>) throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.chunk { try flush() }
    }

    private mutating func flush() throws {
        do {
            try descriptor.writeAll(buffer)
            buffer.removeAll(keepingCapacity: true)
        } catch let error as Errno where error == .brokenPipe {
            throw Failure(.done, nil)
        } catch {
            throw Failure(.cannotWrite, "cannot write \(name): \(error)")
        }
    }

    /// Syncs the file, and gives it its name.
    ///
    /// - Throws: A ``Failure`` when it cannot be written; then an existing file is unchanged.
    consuming func finish() throws {
        try flush()
        guard descriptor != .standardOutput else { return }
        guard let renaming else {
            isClosed = true
            try Self.check(close(descriptor.rawValue), name)
            return
        }
        try Self.check(fsync(descriptor.rawValue), name)
        try Self.check(rename(renaming.from.string, renaming.to.string), name)
        isClosed = true
        try Self.check(close(descriptor.rawValue), name)
    }

    private static func check(_ result: CInt, _ name: String) throws {
        if result != 0 { throw Failure(.cannotWrite, "cannot write \(name): \(Errno(rawValue: errno))") }
    }
}
