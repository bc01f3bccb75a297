// SPDX-License-Identifier: Apache-2.0

import LibC
package import PBT
package import SystemPackage

/// A symbolic link that a trainer saved in its checkpoint.
package struct CheckpointLink: Sendable, Hashable {
    /// What is wrong with a link.
    package enum Problem: Sendable, Hashable {
        /// It leads out of the checkpoint.
        case outside
        /// It leads to nothing.
        case dangling
        /// It leads to itself, or to a directory that it is in.
        case loop
    }

    /// Where the link is, inside the checkpoint.
    package var path: String
    /// What it holds.
    package var target: String
    /// What it should hold: a relative path inside the checkpoint; nil when there is a problem.
    package var relative: String?
    /// What is wrong with it.
    package var problem: Problem?
    fileprivate var place: FilePath
}

/// The symbolic links of a checkpoint: those that lead inside it are kept, as relative ones, which still lead there when
/// the checkpoint is renamed, copied or moved; all others are refused, since what they lead to changes or is deleted
/// without the checkpoint.
package enum CheckpointLinks {
    /// Finds the symbolic links below a directory, in order of path.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func find(in root: FilePath) throws -> [CheckpointLink] {
        var links: [CheckpointLink] = []
        let names = try realNames(root)
        try find(in: root, [], rootNames: names, &links)
        return links
    }

    /// Makes the links that lead inside a checkpoint relative.
    ///
    /// - Throws: A `PBTError`: `badValue` that names the links that do not lead inside, with the remedy; `inputOutput`.
    package static func settle(in root: FilePath) throws {
        let links = try find(in: root)
        let bad = links.filter { $0.problem != nil }
        guard bad.isEmpty else { throw refusal(of: bad) }
        for link in links {
            guard let relative = link.relative, relative != link.target else { continue }
            try replace(link.place, by: relative)
        }
    }

    /// Makes the links of a copy relative that lead inside the original by an absolute path.
    ///
    /// - Parameters:
    ///   - copy: The copy.
    ///   - original: What it was copied from, without links that lead out of it.
    /// - Throws: A `PBTError` with code `inputOutput`.
    static func settle(copy: FilePath, of original: FilePath) throws {
        for link in try find(in: original) {
            guard let relative = link.relative, relative != link.target else { continue }
            try replace(copy.pushing(FilePath(link.path)), by: relative)
        }
    }

    /// The error for links that do not lead inside their checkpoint.
    package static func refusal(of links: [CheckpointLink], atMost limit: Int = 5) -> PBTError {
        let shown = links.prefix(limit).map(\.description).joined(separator: ", ")
        let more = links.count > limit ? ", and \(links.count - limit) more" : ""
        return PBTError(
            .badValue,
            "the checkpoint cannot be published: \(shown)\(more). What a link leads to changes or is deleted without the "
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
            // A link that cannot be followed, whatever the reason, is of no use to whoever restores.
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

    /// Whether a relative link leads to its end without leaving the checkpoint on the way.
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

    /// Replaces a link by one rename.
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
    /// The link and its target, for a person: `"vocab" is a link to /a/b, outside of the checkpoint`.
    package var description: String {
        let what =
            switch problem {
            case nil: "inside the checkpoint"
            case .outside: "outside of the checkpoint"
            case .dangling: "where there is nothing"
            case .loop: "which leads back to itself"
            }
        return "\(Value.string(String(path.prefix(200))).json) is a link to \(target.prefix(400)), \(what)"
    }
}

extension FileSystem {
    /// Returns the absolute path of what a path leads to, without symbolic links.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    static func realPath(_ path: FilePath) throws -> FilePath {
        guard let real = path.withPlatformString({ realpath($0, nil) }) else {
            throw error("look at", path, errno)
        }
        defer { free(real) }
        return FilePath(platformString: real)
    }

    /// What a symbolic link holds.
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

    /// Resolves the symbolic links along a path inside a directory, none of which may lead out of it.
    ///
    /// - Parameters:
    ///   - names: The names along the path.
    ///   - root: The directory.
    /// - Returns: The names along the path to the same file without links.
    /// - Throws: A `PBTError` with code `badValue` for a link that leads out or to itself; `inputOutput`.
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
            "\(Value.string(names.joined(separator: "/")).json) in the checkpoint \(root) is a symbolic link that leads out "
                + "of it or to itself; save the file itself")
    }
}
