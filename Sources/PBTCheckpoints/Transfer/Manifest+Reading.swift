// SPDX-License-Identifier: Apache-2.0

import PBT
package import SystemPackage

extension Manifest {
    /// Creates the manifest of a directory.
    ///
    /// Blocks while it reads every byte.
    ///
    /// - Parameters:
    ///   - root: The directory.
    ///   - maximumFiles: The maximum number of files, and of directories.
    /// - Throws: A `PBTError`: `badValue` for entries that cannot be transferred, such as a link out of it;
    ///   `inputOutput`.
    package init(of root: FilePath, maximumFiles: Int = 100_000) throws {
        let tree = try Tree(of: root, maximum: maximumFiles)
        self.init(
            files: try tree.files.map { entry in
                let (size, sha256) = try Checksum.of(try entry.file(below: root))
                return File(path: entry.path, size: size, sha256: sha256, isExecutable: entry.isExecutable)
            }, directories: tree.directories)
        try checkSpellings()
    }

    /// Returns true if both manifests have the same files and directories, empty ones included.
    package func isSame(as other: Manifest) -> Bool {
        files == other.files && allDirectories == other.allDirectories
    }

    /// The SHA-256 of a canonical form of the manifest, in hexadecimal digits: equal for the same content.
    package var fingerprint: String {
        var checksum = Checksum()
        for file in files {
            let kind = file.isExecutable ? "x" : "f"
            checksum.update("\(kind) \(file.size) \(file.sha256) \(file.path)\n")
        }
        for path in allDirectories.sorted() { checksum.update("d \(path)\n") }
        return checksum.text
    }

    private var allDirectories: Set<String> {
        Set(directories.map { "\($0)" } + directories.flatMap(\.parents) + files.flatMap(\.path.parents))
    }
}
