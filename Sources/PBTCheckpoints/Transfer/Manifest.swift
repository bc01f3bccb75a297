// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTAPI

/// A list of the files and directories of a checkpoint, to verify a copy.
///
/// It has the sizes, checksums, and executable bits of files, and all directories, empty ones included. Owners, times,
/// and other permissions are not transferred. A symbolic link inside the checkpoint is transferred as a copy of its
/// target; other links and special files are rejected.
package struct Manifest: Sendable, Hashable {
    /// A file of a checkpoint.
    package struct File: Sendable, Hashable {
        package var path: TransferPath
        /// The size in bytes.
        package var size: Int64
        /// The SHA-256 in 64 hexadecimal digits.
        package var sha256: String
        package var isExecutable: Bool

        package init(path: TransferPath, size: Int64, sha256: String, isExecutable: Bool) {
            self.path = path
            self.size = size
            self.sha256 = sha256
            self.isExecutable = isExecutable
        }
    }

    /// The files, in order of path.
    package var files: [File]
    /// The directories, in order of path; those that are not empty can be omitted.
    package var directories: [TransferPath]

    package init(files: [File], directories: [TransferPath]) {
        self.files = files
        self.directories = directories
    }

    /// The total size of all files in bytes.
    package var bytes: Int64 {
        files.reduce(0) { $0.adding(saturating: $1.size) }
    }

    /// The manifest as the JSON of the API.
    package var api: [String: Value] {
        [
            "files": .array(
                files.map { file in
                    var object: [String: Value] = [
                        "path": .string("\(file.path)"), "size": .integer(Int(file.size)),
                        "sha256": .string(file.sha256),
                    ]
                    if file.isExecutable { object["executable"] = true }
                    return .object(object)
                }),
            "directories": .array(directories.map { .string("\($0)") }), "bytes": .integer(Int(bytes)),
        ]
    }

    /// The maximum size of a checkpoint, and of each file, in bytes: 1 TiB.
    package static let maximumBytes: Int64 = 1 << 40
    /// The maximum number of files, and of directories, of a checkpoint.
    package static let maximumFiles = 100_000

    /// Creates a manifest from the JSON of the API, and checks that its paths form a tree.
    ///
    /// - Throws: A `PBTError` with code `badRequest` or `badValue`.
    package init(
        api fields: Fields, maximumFiles: Int = Self.maximumFiles, maximumBytes: Int64 = Self.maximumBytes
    ) throws(PBTError) {
        let items = try fields.list("files")
        let names = fields["directories"] == nil ? [] : try fields.strings("directories")
        guard items.count <= maximumFiles, names.count <= maximumFiles else {
            throw PBTError(
                .badValue,
                "a checkpoint may hold \(maximumFiles) files and as many directories, not \(items.count) and "
                    + "\(names.count); save fewer, larger files")
        }
        var files: [File] = []
        for item in items {
            let file = try Fields(item, path: "files")
            let size = try file.int("size")
            let sha256 = try file.text("sha256").lowercased()
            guard size >= 0, sha256.utf8.count == 64, sha256.allSatisfy(\.isHexDigit) else {
                throw PBTError(
                    .badRequest, "files: size must be 0 or more, and sha256 must be 64 hexadecimal digits")
            }
            guard size <= maximumBytes else {
                throw PBTError(
                    .badValue, "files: size must be at most \(maximumBytes) bytes, not \(size); save smaller files")
            }
            files.append(
                File(
                    path: try TransferPath(try file.text("path")), size: Int64(size), sha256: sha256,
                    isExecutable: try file.bool(ifAny: "executable") ?? false))
        }
        var directories: [TransferPath] = []
        for name in names { directories.append(try TransferPath(name)) }
        self.files = files.sorted { $0.path < $1.path }
        self.directories = directories.sorted()
        try checkTree()
        guard bytes <= maximumBytes else {
            throw PBTError(
                .badValue, "files: their sizes add up to \(bytes) bytes; a checkpoint may have \(maximumBytes)")
        }
    }

    /// Checks that no two paths, or parents of paths, are equal after Unicode normalization.
    func checkSpellings() throws(PBTError) {
        var spellings = Spellings()
        for path in files.map(\.path) + directories {
            for parent in path.parents { try spellings.add(parent) }
            try spellings.add("\(path)")
        }
    }

    /// Checks that no path is duplicated, and that no file is the parent of another path.
    private func checkTree() throws(PBTError) {
        try checkSpellings()
        var seen: Set<String> = []
        for file in files where !seen.insert("\(file.path)").inserted {
            throw PBTError(.badValue, "files: \"\(file.path)\" is duplicated")
        }
        for path in files.map(\.path) + directories {
            for parent in path.parents where seen.contains(parent) {
                throw PBTError(.badValue, "files: \"\(parent)\" is a file and the directory of \"\(path)\"")
            }
        }
        for directory in directories where seen.contains("\(directory)") {
            throw PBTError(.badValue, "files: \"\(directory)\" is a file and a directory")
        }
    }
}
