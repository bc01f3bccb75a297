// SPDX-License-Identifier: Apache-2.0

package import PBT
package import SystemPackage

/// The path of a file or directory inside a checkpoint, as it goes over the wire: names with `/` between them.
///
/// It leads nowhere else, whatever it says: no empty name, no `.` and `..`, no leading `/`, no control characters. Names
/// that begin with `.pbt-` are ours.
package struct TransferPath: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The names along the path; at least one.
    package let names: [String]

    /// The longest path in bytes.
    package static let maximumLength = 1024
    /// The longest name in bytes, as file systems have it.
    package static let maximumName = 255
    /// The deepest path in names.
    package static let maximumDepth = 32

    /// Reads a path.
    ///
    /// - Throws: A `PBTError` with code `badValue` that says what is wrong with it.
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
        let names = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard names.count <= Self.maximumDepth else { throw wrong("is deeper than \(Self.maximumDepth) directories") }
        for name in names {
            if name.isEmpty { throw wrong("holds an empty name or begins or ends with a slash") }
            if name == "." || name == ".." { throw wrong("holds \"\(name)\"") }
            if name.hasPrefix(".pbt-") { throw wrong("holds a name that begins with .pbt-, which are pbt's own") }
            if name.utf8.count > Self.maximumName { throw wrong("holds a name longer than \(Self.maximumName) bytes") }
        }
        self.names = names
    }

    /// The path as it goes over the wire.
    package var description: String {
        names.joined(separator: "/")
    }

    /// The paths of the directories above it, the outermost first.
    package var parents: [String] {
        (1..<names.count).map { names[..<$0].joined(separator: "/") }
    }

    /// The path below a directory.
    package func below(_ root: FilePath) -> FilePath {
        names.reduce(root) { $0.appending($1) }
    }

    /// Orders by the text.
    package static func < (a: Self, b: Self) -> Bool {
        a.description < b.description
    }
}
