// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

/// A hash of a checkpoint's file names and contents, to compare checkpoints.
struct CheckpointDigest {
    private var hash = FNV1a()
    /// The hash over names and contents, in order of name.
    var value: UInt64 { hash.value }
    /// The number of files.
    private(set) var files = 0

    /// Hashes a directory.
    ///
    /// - Throws: A ``Failure`` when it cannot be read.
    init(of directory: FilePath) throws {
        try add(directory)
    }

    private mutating func add(_ path: FilePath) throws {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
            throw Failure(.cannotWrite, "\(path) cannot be read: \(Errno(rawValue: errno))")
        }
        switch status.st_mode & mode_t(S_IFMT) {
        case mode_t(S_IFDIR):
            for name in try names(in: path) {
                add(bytes: name.utf8)
                try add(path.appending(name))
            }
        case mode_t(S_IFREG):
            files += 1
            try addContent(of: path)
        default:
            files += 1
        }
    }

    private func names(in path: FilePath) throws -> [String] {
        guard let directory = path.withPlatformString({ opendir($0) }) else {
            throw Failure(.cannotWrite, "\(path) cannot be read: \(Errno(rawValue: errno))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private mutating func addContent(of path: FilePath) throws {
        do {
            let file = try FileDescriptor.open(path, .readOnly)
            try file.closeAfter {
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                    guard count > 0 else { break }
                    add(bytes: buffer[..<count])
                }
            }
        } catch let error as Errno {
            throw Failure(.cannotWrite, "\(path) cannot be read: \(error)")
        }
    }

    private mutating func add(bytes: some Sequence<UInt8>) {
        hash.update(bytes)
        // Terminates each part, so that moving bytes between parts changes the hash.
        hash.update([0xff])
    }
}
