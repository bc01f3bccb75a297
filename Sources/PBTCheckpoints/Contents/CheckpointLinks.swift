// SPDX-License-Identifier: Apache-2.0

import LibC
package import PBT
package import SystemPackage

/// A symbolic link in a checkpoint.
package struct CheckpointLink: Sendable, Hashable {
    /// A reason why a link cannot be published.
    package enum Problem: Sendable, Hashable {
        /// The target is outside of the checkpoint.
        case outside
        /// The target does not exist.
        case dangling
        /// The target is the link itself or a directory that contains it.
        case loop
    }

    /// The path of the link relative to the checkpoint.
    package var path: String
    /// The target as the link stores it.
    package var target: String
    /// The target as a relative path that stays inside the checkpoint; nil if there is a problem.
    package var relative: String?
    /// The reason why the link cannot be published; nil if it can.
    package var problem: Problem?
    fileprivate var place: FilePath
}

/// The rules for symbolic links in checkpoints.
///
/// A link whose target is inside the checkpoint is kept, as a relative link, which stays valid when the checkpoint is
/// renamed, copied, or moved. All other links are rejected: their targets can change or be deleted independently.
package enum CheckpointLinks {
    /// Returns the symbolic links below a directory, in order of path.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func find(in root: FilePath) throws -> [CheckpointLink] {
        var links: [CheckpointLink] = []
        let names = try realNames(root)
        try find(in: root, [], rootNames: names, &links)
        return links
    }

    /// Makes the links of a checkpoint relative.
    ///
    /// - Throws: A `PBTError`: `badValue` that names the links that cannot be published and a remedy; `inputOutput`.
    package static func settle(in root: FilePath) throws {
        let links = try find(in: root)
        let bad = links.filter { $0.problem != nil }
        guard bad.isEmpty else { throw refusal(of: bad) }
        for link in links {
            guard let relative = link.relative, relative != link.target else { continue }
            try replace(link.place, by: relative)
        }
    }

    /// Makes the links of a copied checkpoint relative that point into the original by an absolute path.
    ///
    /// - Parameters:
    ///   - copy: The copy.
    ///   - original: The directory that it was copied from, without links to targets outside of it.
    /// - Throws: A `PBTError` with code `inputOutput`.
    static func settle(copy: FilePath, of original: FilePath) throws {
        for link in try find(in: original) {
            guard let relative = link.relative, relative != link.target else { continue }
            try replace(copy.pushing(FilePath(link.path)), by: relative)
        }
    }

    /// Returns the error for links that cannot be published.
    package static func refusal(of links: [CheckpointLink], atMost limit: Int = 5) -> PBTError {
        let shown = links.prefix(limit).map(\.description).joined(separator: ", ")
        let more = links.count > limit ? ", and \(links.count - limit) more" : ""
        return PBTError(
            .badValue,
            "the checkpoint cannot be published: \(shown)\(more). The target of a link can change or be deleted without the "
                + "checkpoint: copy the file into PBT_CHECKPOINT_OUT (shutil.copyfile, cp -L), or save its path and leave "
                + "the link out")
    }

    private static func find(
        in root: FilePath, _ names: [String], rootNames: [String], _ links: inout [CheckpointLink]
    ) throws {
        let directory = names.reduce(root) { $0.appending($1) }
        for name in try FileSystem.names(in: directory) {
            let place = directory.appending(name)
            switch try FileSystem.kind(of: place) {
            case mode_t(S_IFDIR): try find(in: root, names + [name], rootNames: rootNames, &links)
            case mode_t(S_IFLNK): links.append(try read(place, names + [name], rootNames))
            default: break
            }
        }
    }

    private static func read(_ place: FilePath, _ names: [String], _ rootNames: [String]) throws -> CheckpointLink {
        let target = try FileSystem.target(of: place)
        var link = CheckpointLink(path: names.joined(separator: "/"), target: target, place: place)
        guard let real = place.withPlatformString({ realpath($0, nil) }) else {
            switch errno {
            case ELOOP: link.problem = .loop
            // A link that cannot be followed, for any reason, cannot be restored from.
            default: link.problem = .dangling
            }
            return link
        }
        defer { free(real) }
        let end = String(cString: real).pathNames(omittingEmpty: true)
        guard end.starts(with: rootNames, by: { $0.utf8.elementsEqual($1.utf8) }) else {
            link.problem = .outside
            return link
        }
        let inner = Array(end.dropFirst(rootNames.count))
        guard !names.dropLast().starts(with: inner) else {
            link.problem = .loop
            return link
        }
        link.relative = staysInside(target, from: names) ? target : relative(to: inner, from: names)
        return link
    }

    /// Returns true if a relative target stays inside the checkpoint at each step.
    private static func staysInside(_ target: String, from names: [String]) -> Bool {
        guard target.utf8.first != UInt8(ascii: "/") else { return false }
        var depth = names.count - 1
        for name in target.pathNames(omittingEmpty: true) where name != "." {
            depth += name == ".." ? -1 : 1
            if depth < 0 { return false }
        }
        return true
    }

    private static func relative(to end: [String], from names: [String]) -> String {
        let start = names.dropLast()
        let common = zip(start, end).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        let parts = Array(repeating: "..", count: start.count - common) + end.dropFirst(common)
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }

    private static func realNames(_ path: FilePath) throws -> [String] {
        try FileSystem.realPath(path).string.pathNames(omittingEmpty: true)
    }

    /// Replaces a link atomically, by a rename.
    private static func replace(_ place: FilePath, by target: String) throws {
        let draft = place.removingLastComponent().appending(
            ".pbt-link.\(String(UInt64.random(in: 0 ... .max), radix: 36))")
        guard draft.withPlatformString({ symlink(target, $0) }) == 0 else {
            throw FileSystem.error("create the link", draft, errno)
        }
        try FileSystem.move(draft, to: place)
    }
}

extension CheckpointLink: CustomStringConvertible {
    /// A description for messages: `"vocab" is a link to /a/b, outside of the checkpoint`.
    package var description: String {
        let what =
            switch problem {
            case nil: "inside the checkpoint"
            case .outside: "outside of the checkpoint"
            case .dangling: "which does not exist"
            case .loop: "which leads back to the link"
            }
        return "\(Value.string(String(path.prefix(200))).json) is a link to \(target.prefix(400)), \(what)"
    }
}

extension FileSystem {
    /// Returns the absolute path of a file with all symbolic links resolved.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    static func realPath(_ path: FilePath) throws -> FilePath {
        guard let real = path.withPlatformString({ realpath($0, nil) }) else {
            throw error("access", path, errno)
        }
        defer { free(real) }
        return FilePath(platformString: real)
    }

    /// Returns the target that a symbolic link stores.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func target(of link: FilePath) throws -> String {
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = link.withPlatformString { path in
            bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), buffer.count) } ?? -1
            }
        }
        guard count >= 0 else { throw error("read the link", link, errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Resolves the symbolic links of a path inside a directory, none of which may leave the directory.
    ///
    /// - Parameters:
    ///   - names: The components of the path.
    ///   - root: The directory.
    /// - Returns: The components of the path without links.
    /// - Throws: A `PBTError`: `badValue` for a link that leaves the directory or leads to itself; `inputOutput`.
    package static func resolved(_ names: [String], below root: FilePath) throws -> [String] {
        var result: [String] = []
        var left = Array(names.reversed())
        var hops = 0
        while let name = left.popLast() {
            if name.isEmpty || name == "." { continue }
            if name == ".." {
                guard result.popLast() != nil else { throw leadsOut(names, root) }
                continue
            }
            result.append(name)
            let here = result.reduce(root) { $0.appending($1) }
            guard try kind(of: here) == mode_t(S_IFLNK) else { continue }
            let target = try target(of: here)
            hops += 1
            guard target.utf8.first != UInt8(ascii: "/"), hops <= 40 else { throw leadsOut(names, root) }
            result.removeLast()
            left += target.pathNames(omittingEmpty: true).reversed()
        }
        return result
    }

    private static func leadsOut(_ names: [String], _ root: FilePath) -> PBTError {
        PBTError(
            .badValue,
            "\(Value.string(names.joined(separator: "/")).json) in the checkpoint \(root) is a symbolic link that leaves "
                + "it or leads to itself; save the file itself")
    }
}
