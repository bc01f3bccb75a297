// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// A record of the content of a checkpoint when it was published, to detect later changes.
///
/// Stored in `ROOT/EXPERIMENT/manifests/NAME.json`. A file of up to ``wholeLimit`` bytes is recorded with the SHA-256
/// of all its bytes. A larger file is recorded with the SHA-256 of three samples and its modification time, unless
/// ``Hashing/full`` is chosen.
package struct CheckpointSeal: Sendable, Hashable {
    /// One file.
    package struct File: Sendable, Hashable {
        /// The path relative to the checkpoint.
        package var path: String
        /// The size in bytes.
        package var size: Int64
        /// SHA-256 in 64 hexadecimal digits: of all bytes, or of the samples.
        package var digest: String
        /// True if the digest covers samples only.
        package var isSampled: Bool
        /// The modification time (`mtime`), in nanoseconds since 1970.
        package var modified: Int64
        /// The status change time (`ctime`), in nanoseconds since 1970.
        package var changed: Int64
        /// The inode number.
        package var inode: UInt64

        /// The properties that do not depend on the file system.
        fileprivate var content: [String] {
            [path, String(size), digest, isSampled ? "samples" : "whole"]
        }
    }

    /// The bytes of large files that a seal covers.
    package enum Hashing: String, Sendable {
        /// Samples of files that are larger than ``CheckpointSeal/wholeLimit``.
        case sampled
        /// Every byte of every file.
        case full

        /// The value of the environment variable `PBT_CHECKPOINT_HASH`; sampled if it is not set.
        package static let usual: Self =
            getenv("PBT_CHECKPOINT_HASH").flatMap { Self(rawValue: String(cString: $0)) } ?? .sampled
    }

    /// The size in bytes up to which a file is hashed as a whole: 64 MiB.
    package static let wholeLimit: Int64 = 64 << 20

    /// The files, in order of path.
    package var files: [File] = []
    /// The paths of the directories inside the checkpoint, in order.
    package var directories: [String] = []
    /// The targets of symbolic links, by path.
    package var links: [String: String] = [:]
    /// The time of the record, in nanoseconds since 1970.
    package var recorded: Int64 = 0

    /// Creates a seal of a checkpoint.
    ///
    /// - Parameters:
    ///   - root: Its directory.
    ///   - hashing: The bytes of large files to read.
    /// - Throws: A `PBTError`: `badValue` for entries that cannot be recorded, or if files change while they are read;
    ///   `inputOutput`.
    package init(of root: FilePath, hashing: Hashing = .usual) throws {
        let tree = try SealedTree(of: root)
        directories = tree.directories
        links = tree.links
        for path in tree.files {
            files.append(try File(path, below: root, isSampled: { hashing == .sampled && $0 > Self.wholeLimit }))
        }
        recorded = FileSystem.now()
    }

    /// Returns true if another checkpoint has the same files, directories, and links; of large files, the same samples.
    package func isSameContent(as other: Self) -> Bool {
        directories == other.directories && links == other.links
            && files.map(\.content) == other.files.map(\.content)
    }

    /// Returns the changes to a checkpoint since it was sealed.
    ///
    /// A file is read only if its times or its inode differ.
    ///
    /// - Parameter root: Its directory.
    /// - Returns: Descriptions of the changes, in order of path: `"s.json" has other bytes`; empty if nothing changed.
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func changes(at root: FilePath) throws -> [String] {
        let tree: SealedTree
        do {
            tree = try SealedTree(of: root)
        } catch let error as PBTError where error.code == .badValue {
            return [error.message]
        }
        var changes: [(path: String, what: String)] = []
        let there = Set(tree.files)
        for file in files {
            guard there.contains(file.path) else {
                changes.append((file.path, "is gone"))
                continue
            }
            if let change = try file.change(below: root, since: recorded) { changes.append((file.path, change)) }
        }
        for path in there.subtracting(files.map(\.path)) { changes.append((path, "is new")) }
        let directories = Set(directories)
        for path in directories.symmetricDifference(tree.directories) {
            changes.append((path, directories.contains(path) ? "is gone" : "is new"))
        }
        for path in Set(links.keys).union(tree.links.keys) where links[path] != tree.links[path] {
            changes.append(
                (path, links[path] == nil ? "is new" : tree.links[path] == nil ? "is gone" : "leads elsewhere"))
        }
        return changes.sorted { $0.path < $1.path }.map {
            "\(Value.string(String($0.path.prefix(200))).json) \($0.what)"
        }
    }
}

extension CheckpointSeal.File {
    /// The assumed resolution of file times in nanoseconds: two changes within it can have the same time.
    private static let step: Int64 = 50_000_000

    fileprivate init(_ path: String, below root: FilePath, isSampled: (Int64) -> Bool) throws {
        let file = try SealedFile(root.pushing(FilePath(path)))
        let before = try file.identity()
        self.path = path
        size = before.size
        self.isSampled = isSampled(size)
        digest = try file.digest(size: size, isSampled: self.isSampled)
        modified = before.modified
        changed = before.changed
        inode = before.inode
        guard try file.identity() == before else {
            throw PBTError(
                .badValue,
                "\(Value.string(path).json) in \(root) changed while it was published: a process of the trainer still writes "
                    + "to it; finish all writes before the program exits")
        }
    }

    /// Returns a description of the change to the file; nil if there is none.
    fileprivate func change(below root: FilePath, since recorded: Int64) throws -> String? {
        let file = try SealedFile(root.pushing(FilePath(path)))
        let now = try file.identity()
        guard now.size == size else { return "has \(now.size) bytes, not \(size)" }
        let isSame = now.modified == modified && now.changed == changed && now.inode == inode
        if isSame, recorded - changed > Self.step { return nil }
        if isSampled, now.modified != modified { return "was modified later" }
        return try file.digest(size: size, isSampled: isSampled) == digest ? nil : "has other bytes"
    }
}

/// The entries of a checkpoint directory.
private struct SealedTree {
    private(set) var files: [String] = []
    private(set) var directories: [String] = []
    private(set) var links: [String: String] = [:]

    init(of root: FilePath) throws {
        try read(root, "")
        files.sort()
        directories.sort()
    }

    private mutating func read(_ directory: FilePath, _ prefix: String) throws {
        var known: [String: String] = [:]
        for name in try FileSystem.names(in: directory) {
            if let other = known.updateValue(name, forKey: name) { throw Self.collision(other, name, directory) }
            let (place, path) = (directory.appending(name), prefix + name)
            switch try FileSystem.kind(of: place) {
            case mode_t(S_IFREG): files.append(path)
            case mode_t(S_IFDIR):
                directories.append(path)
                try read(place, path + "/")
            case mode_t(S_IFLNK): links[path] = try FileSystem.target(of: place)
            case nil:
                throw PBTError(
                    .badValue,
                    "the checkpoint \(directory) holds a name that is not UTF-8 or was deleted while it was read "
                        + "(\(Value.string(path).json)); rename it, and end every process that writes there")
            default:
                throw PBTError(
                    .badValue,
                    "\(place) is neither a file nor a directory; a checkpoint holds files, directories and links inside it"
                )
            }
        }
    }

    /// Strings are equal when their NFC forms are.
    private static func collision(_ a: String, _ b: String, _ directory: FilePath) -> PBTError {
        func written(_ text: String) -> String {
            "\"\(text.prefix(200).unicodeScalars.map { $0.isASCII ? String($0) : "\\u{\(String($0.value, radix: 16))}" }.joined())\""
        }
        return PBTError(
            .badValue,
            "the checkpoint holds two names that are equal after Unicode normalization: \(written(a)) and \(written(b)) in "
                + "\(directory); many file systems treat them as the same name: rename one of them")
    }
}
