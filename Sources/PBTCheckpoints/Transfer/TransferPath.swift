// SPDX-License-Identifier: Apache-2.0

package import PBT
package import SystemPackage

/// A relative path of a file or directory inside a checkpoint, as the API transfers it: names separated by `/`.
///
/// It cannot leave the checkpoint: it has no empty name, no `.` or `..`, no leading `/`, and no control characters.
/// Names that begin with `.pbt-` are reserved.
package struct TransferPath: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The components of the path; at least one.
    package let names: [String]

    /// The maximum length of a path in bytes.
    package static let maximumLength = 1024
    /// The maximum length of a component in bytes: that of common file systems.
    package static let maximumName = 255
    /// The maximum number of components.
    package static let maximumDepth = 32

    /// Parses a path.
    ///
    /// - Throws: A `PBTError` with code `badValue` that describes the problem.
    package init(_ text: String) throws(PBTError) {
        func wrong(_ problem: String) -> PBTError {
            PBTError(
                .badValue,
                "the path \(Value.string(String(text.prefix(200))).json) in a checkpoint \(problem); rename the file")
        }
        guard text.utf8.count <= Self.maximumLength else {
            throw wrong("is longer than \(Self.maximumLength) bytes")
        }
        if let scalar = text.unicodeScalars.first(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            throw wrong("holds the control character \(scalar.value)")
        }
        let names = text.pathNames()
        guard names.count <= Self.maximumDepth else { throw wrong("is deeper than \(Self.maximumDepth) directories") }
        for name in names {
            if name.isEmpty { throw wrong("holds an empty name or begins or ends with a slash") }
            if name == "." || name == ".." { throw wrong("holds \"\(name)\"") }
            if name.hasPrefix(".pbt-") { throw wrong("holds a name that begins with .pbt-, which are reserved") }
            if name.utf8.count > Self.maximumName { throw wrong("holds a name longer than \(Self.maximumName) bytes") }
        }
        self.names = names
    }

    /// The path as the API transfers it.
    package var description: String {
        names.joined(separator: "/")
    }

    /// The paths of the parent directories, the outermost first.
    package var parents: [String] {
        (1..<names.count).map { names[..<$0].joined(separator: "/") }
    }

    /// Returns the path below a directory.
    package func below(_ root: FilePath) -> FilePath {
        names.reduce(root) { $0.appending($1) }
    }

    /// Compares the bytes of two paths.
    package static func < (a: Self, b: Self) -> Bool {
        a.description.utf8.lexicographicallyPrecedes(b.description.utf8)
    }

    /// Compares the bytes of two paths: strings that are equal after Unicode normalization can name different files.
    package static func == (a: Self, b: Self) -> Bool {
        a.description.utf8.elementsEqual(b.description.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in description.utf8 { hasher.combine(byte) }
    }

    /// Checks that no existing name is equal to one of the path after Unicode normalization, but has other bytes: many
    /// file systems treat such names as the same.
    ///
    /// Checks names with non-ASCII characters only; publishing compares all names.
    ///
    /// - Throws: A `PBTError`: `badValue` that names both; `inputOutput`.
    package func checkSpelling(below root: FilePath) throws {
        var directory = root
        for name in names {
            if !name.utf8.allSatisfy({ $0 < 0x80 }) {
                for other in try FileSystem.names(in: directory)
                where other == name && !other.utf8.elementsEqual(name.utf8) {
                    throw Spellings.collision(other, name)
                }
            }
            directory.append(name)
            guard try FileSystem.exists(directory) else { return }
        }
    }
}

/// Detects paths that are equal after Unicode normalization, but have different bytes.
package struct Spellings {
    // Strings are equal when they are canonically equivalent, which is when their NFC forms are the same.
    private var known: [String: String] = [:]

    package init() {}

    /// Adds a path.
    ///
    /// - Throws: A `PBTError` with code `badValue` that names both, if an equal path with other bytes was added before.
    package mutating func add(_ path: String) throws(PBTError) {
        if let other = known[path] {
            guard !other.utf8.elementsEqual(path.utf8) else { return }
            throw Self.collision(other, path)
        }
        known[path] = path
    }

    static func collision(_ a: String, _ b: String) -> PBTError {
        func written(_ text: String) -> String {
            let codes = text.unicodeScalars.filter { !$0.isASCII }.prefix(8).map {
                "U+" + String($0.value, radix: 16, uppercase: true)
            }
            return "\"\(text.prefix(200))\" (\(codes.isEmpty ? "ASCII" : codes.joined(separator: " ")))"
        }
        return PBTError(
            .badValue,
            "the checkpoint holds two names that are equal after Unicode normalization: \(written(a)) and \(written(b)); "
                + "many file systems treat them as the same name: rename one of them")
    }
}
