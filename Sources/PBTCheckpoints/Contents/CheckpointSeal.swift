// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
package import SystemPackage

/// What a checkpoint was when it was published: enough to find out later whether it still is that.
///
/// Kept in `ROOT/EXPERIMENT/manifests/NAME.json`. A file of up to ``wholeLimit`` bytes has the SHA-256 of all of it; a
/// larger one the SHA-256 of three samples, and the time of its last modification counts too, unless
/// ``Hashing/full`` is chosen.
package struct CheckpointSeal: Sendable, Hashable {
    /// One file.
    package struct File: Sendable, Hashable {
        /// Its path inside the checkpoint.
        package var path: String
        /// In bytes.
        package var size: Int64
        /// SHA-256 in 64 hexadecimal digits: of all bytes, or of the samples.
        package var digest: String
        /// Whether the digest is of samples.
        package var isSampled: Bool
        /// When its bytes last changed, in nanoseconds since 1970.
        package var modified: Int64
        /// When its bytes or its properties last changed, in nanoseconds since 1970.
        package var changed: Int64
        /// Its number on the file system.
        package var inode: UInt64

        /// The file without what is a matter of the file system that it is on.
        fileprivate var content: [String] {
            [path, String(size), digest, isSampled ? "samples" : "whole"]
        }
    }

    /// What is read of large files.
    package enum Hashing: String, Sendable {
        /// Samples of files that are larger than ``CheckpointSeal/wholeLimit``.
        case sampled
        /// Every byte of every file.
        case full

        /// What the environment variable `PBT_CHECKPOINT_HASH` says; sampled when it is not set.
        package static let usual: Self =
            getenv("PBT_CHECKPOINT_HASH").flatMap { Self(rawValue: String(cString: $0)) } ?? .sampled
    }

    /// The size in bytes up to which every byte of a file is read: 64 MiB.
    package static let wholeLimit: Int64 = 64 << 20

    /// In order of path.
    package var files: [File] = []
    /// The paths of the directories inside the checkpoint, in order.
    package var directories: [String] = []
    /// Where symbolic links lead, by path.
    package var links: [String: String] = [:]
    /// When this was found out, in nanoseconds since 1970.
    package var recorded: Int64 = 0

    /// Reads a checkpoint.
    ///
    /// - Parameters:
    ///   - root: Its directory.
    ///   - hashing: What is read of large files.
    /// - Throws: A `PBTError`: `badValue` for what cannot be recorded, or when files change while they are read;
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

    /// Whether another checkpoint holds the same files, directories and links; of large files, the same samples.
    package func isSameContent(as other: Self) -> Bool {
        directories == other.directories && links == other.links
            && files.map(\.content) == other.files.map(\.content)
    }

    /// Finds out how a checkpoint differs from what was published.
    ///
    /// The bytes of a file are read only when its times and its number are not as they were.
    ///
    /// - Parameter root: Its directory.
    /// - Returns: What changed, for a person, in order of path: `"s.json" has other bytes`; empty when nothing did.
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
    /// File systems keep time in steps: what changes again within one is not seen by its time.
    ///
    /// In nanoseconds.
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
                    + "to it; end all of them, and save, before the program ends")
        }
    }

    /// How the file differs now; nil when it does not.
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

/// What is in a checkpoint's directory.
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
                    "the checkpoint \(directory) holds a name that is not UTF-8 or went away while it was read "
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
                + "\(directory); many file systems hold them for one: rename one of them")
    }
}
