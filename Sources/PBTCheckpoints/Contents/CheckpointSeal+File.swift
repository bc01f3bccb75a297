// SPDX-License-Identifier: Apache-2.0

import LibC
package import PBT
package import SystemPackage

extension CheckpointSeal {
    /// The seal as a JSON object: the content of its file.
    package var value: Value {
        [
            "format": 1, "recorded": .integer(Int(recorded)),
            "files": .array(
                files.map { file in
                    [
                        "path": .string(file.path), "size": .integer(Int(file.size)),
                        file.isSampled ? "sampled_sha256" : "sha256": .string(file.digest),
                        "mtime": .integer(Int(file.modified)), "ctime": .integer(Int(file.changed)),
                        "inode": .integer(Int(truncatingIfNeeded: file.inode)),
                    ]
                }),
            "directories": .array(directories.map { .string($0) }), "links": .object(links.mapValues { .string($0) }),
        ]
    }

    /// Creates a seal from the JSON of ``value``; nil for any other JSON, such as a later format.
    package init?(_ value: Value) {
        guard value["format"]?.int == 1, let recorded = value["recorded"]?.int, let files = value["files"]?.array,
            let directories = value["directories"]?.array, let links = value["links"]?.object
        else { return nil }
        self.recorded = Int64(recorded)
        for item in files {
            guard let file = File(item) else { return nil }
            self.files.append(file)
        }
        self.directories = directories.compactMap(\.string)
        self.links = links.compactMapValues(\.string)
    }
}

extension CheckpointSeal.File {
    fileprivate init?(_ value: Value) {
        guard let path = value["path"]?.string, let size = value["size"]?.int,
            let digest = value["sha256"]?.string ?? value["sampled_sha256"]?.string,
            let modified = value["mtime"]?.int, let changed = value["ctime"]?.int, let inode = value["inode"]?.int
        else { return nil }
        self.init(
            path: path, size: Int64(size), digest: digest, isSampled: value["sha256"] == nil, modified: Int64(modified),
            changed: Int64(changed), inode: UInt64(truncatingIfNeeded: inode))
    }
}

extension DataDirectory {
    /// Returns the directory of the seals of an experiment's checkpoints.
    package func manifests(of experiment: String) -> FilePath {
        directory(of: experiment).appending("manifests")
    }

    func manifest(_ name: String, of experiment: String) -> FilePath {
        manifests(of: experiment).appending("\(name).json")
    }

    /// Returns the seal of a published checkpoint; nil if an earlier version published it, or the file is not a valid
    /// seal.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func seal(of name: String, in experiment: String) throws -> CheckpointSeal? {
        guard let bytes = try FileSystem.tail(of: manifest(name, of: experiment), limit: 256 << 20) else { return nil }
        return (try? Value(json: bytes)).flatMap { CheckpointSeal($0) }
    }

    /// Writes the seal of a checkpoint that is about to be published.
    ///
    /// - Parameters:
    ///   - seal: The seal.
    ///   - name: The checkpoint's name.
    ///   - experiment: The experiment.
    ///   - isDurable: True if the seal must survive a power failure.
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func write(_ seal: CheckpointSeal, of name: String, in experiment: String, isDurable: Bool) throws {
        let directory = manifests(of: experiment)
        if try FileSystem.makeNewDirectory(directory), isDurable {
            try FileSystem.synchronize(directory: self.directory(of: experiment))
        }
        let path = manifest(name, of: experiment)
        try FileSystem.write(seal.value.json + "\n", to: path)
        guard isDurable else { return }
        try FileSystem.synchronize(file: path)
        try FileSystem.synchronize(directory: directory)
    }

    /// Returns the changes to a checkpoint since it was published; empty if there are none, or there is no seal.
    ///
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `inputOutput`.
    package func changes(in name: String, of experiment: String) throws -> [String] {
        let path = try published(name, of: experiment)
        guard let seal = try seal(of: name, in: experiment) else { return [] }
        let result = Result { try seal.changes(at: path) }
        // A checkpoint that was deleted in the meantime has not changed.
        _ = try published(name, of: experiment)
        return try result.get()
    }

    /// Checks that a checkpoint has not changed since it was published.
    ///
    /// - Throws: A `PBTError`: `changedCheckpoint` if it has, `noSuchCheckpoint`, `inputOutput`.
    package func checkUnchanged(_ name: String, of experiment: String) throws {
        let changes = try changes(in: name, of: experiment)
        guard changes.isEmpty else {
            throw PBTError(
                .changedCheckpoint,
                "the checkpoint \(name) of \"\(experiment)\" was changed after it was published: "
                    + "\(CheckpointSeal.text(of: changes)) in \(checkpoint(name, of: experiment)); its score no "
                    + "longer applies, so nothing is trained from it. Find the program that writes there: "
                    + "pbt check FILE shows whether it is the trainer")
        }
    }
}

extension CheckpointSeal {
    /// Makes the files of a checkpoint read-only and creates its seal.
    ///
    /// - Throws: As ``init(of:hashing:)``.
    package init(sealing root: FilePath) throws {
        try FileSystem.makeFilesReadOnly(root)
        try self.init(of: root)
    }

    /// Returns the first three changes, for messages.
    package static func text(of changes: [String]) -> String {
        changes.prefix(3).joined(separator: ", ") + (changes.count > 3 ? " and \(changes.count - 3) more" : "")
    }
}

extension FileSystem {
    /// Flushes a file to disk.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func synchronize(file path: FilePath) throws {
        let descriptor = path.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else { throw error("open", path, errno) }
        defer { close(descriptor) }
        try flush(descriptor, path)
    }
}
