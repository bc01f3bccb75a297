// SPDX-License-Identifier: Apache-2.0

import PBT
package import SystemPackage

extension Manifest {
    /// Reads a directory with all that is in it.
    ///
    /// Reads every byte; not for the threads that tasks share.
    ///
    /// - Parameters:
    ///   - root: The directory.
    ///   - maximumFiles: How many files and directories there may be.
    /// - Throws: A `PBTError`: `badValue` for what cannot be sent, such as a link that leads out of it; `inputOutput`.
    package init(of root: FilePath, maximumFiles: Int = 100_000) throws {
        let tree = try Tree(of: root, maximum: maximumFiles)
        self.init(
            files: try tree.files.map { entry in
                let (size, sha256) = try Checksum.of(try entry.file(below: root))
                return File(path: entry.path, size: size, sha256: sha256, isExecutable: entry.isExecutable)
            }, directories: tree.directories)
        try checkSpellings()
    }

    /// Whether a copy with this manifest is as good: the same files and the same directories, empty ones too.
    package func isSame(as other: Manifest) -> Bool {
        files == other.files && allDirectories == other.allDirectories
    }

    /// A text that is the same for manifests of the same content alone: SHA-256 in hexadecimal digits.
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
