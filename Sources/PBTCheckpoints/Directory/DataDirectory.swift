// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// The files of one store: checkpoints, the files of attempts, and logs, by experiment.
///
/// ```
/// ROOT/EXPERIMENT/checkpoints/m0003-i0012-a1/    what the trainer saved; complete, never changed again
/// ROOT/EXPERIMENT/manifests/m0003-i0012-a1.json  what that was when it was published
/// ROOT/EXPERIMENT/attempts/m0003-i0012-a1/       an attempt that runs: checkpoint/, hyperparameters.json, results.json
/// ROOT/EXPERIMENT/logs/m0003-i0012-a1.log        what the trainer printed
/// ROOT/EXPERIMENT/uploads/m0003-i0012-a1/        a checkpoint that comes from another machine; not complete yet
/// ROOT/.pbt-data                                 tells this directory from any other
/// ```
/// A published checkpoint's files are read-only, and a ``CheckpointSeal`` tells whether they are what was measured. It is
/// published by one rename, so ROOT must not be spread over several file systems. It may be on a
/// network file system that all workers of the store see at the same path.
public struct DataDirectory: Sendable, Hashable {
    /// Where all files are; absolute.
    public let root: FilePath

    /// The files below a directory, which is created when the first interval begins.
    ///
    /// - Parameter root: The directory; absolute, as trainers are started elsewhere.
    public init(_ root: FilePath) {
        self.root = root
    }

    /// The name of an experiment's directory: percent-encoded but for letters, digits, `.`, `_` and `-`.
    ///
    /// A leading point is encoded too, so no name is hidden or leads elsewhere. A name that would become longer than
    /// file systems allow is cut, and a hash of the whole name is appended after a `~`.
    public static func directoryName(of experiment: String) -> String {
        var name = ""
        for (i, byte) in experiment.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "."): name += i == 0 ? "%2E" : "."
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                name += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        guard name.utf8.count > 200 else { return name }
        return "\(name.prefix(180))~\(String(FNV1a(experiment.utf8).value, radix: 16))"
    }

    /// The name of an attempt at an interval, and of the checkpoint that it publishes: `m0003-i0012-a1`.
    public static func name(of interval: IntervalID, attempt: Int) -> String {
        CheckpointName(interval, attempt: attempt).description
    }

    /// Creates the root, which only its owner can read, whatever the umask; one that is there keeps its permissions.
    ///
    /// What is created below it has the permissions that the umask says.
    package func makeRoot() throws {
        guard try !FileSystem.exists(root) else { return }
        let parent = root.removingLastComponent()
        if !parent.isEmpty { try FileSystem.makeDurableDirectories(parent) }
        try FileSystem.makePrivateDirectory(root)
        try FileSystem.synchronize(directory: parent.isEmpty ? "." : parent)
    }

    /// Creates a directory in the root, with those above it that are missing.
    package func make(_ directory: FilePath) throws {
        try makeRoot()
        try FileSystem.makeDirectories(directory)
    }

    /// Where an experiment's files are.
    public func directory(of experiment: String) -> FilePath {
        root.appending(Self.directoryName(of: experiment))
    }

    /// Where a published checkpoint is.
    public func checkpoint(_ name: String, of experiment: String) -> FilePath {
        directory(of: experiment).appending("checkpoints").appending(name)
    }

    /// Where the output of an attempt is.
    public func log(of interval: IntervalID, attempt: Int, of experiment: String) -> FilePath {
        directory(of: experiment).appending("logs").appending("\(Self.name(of: interval, attempt: attempt)).log")
    }

    /// Where the checkpoints are that come from other machines, while they come; one directory an attempt.
    package func uploads(of experiment: String) -> FilePath {
        directory(of: experiment).appending("uploads")
    }

    package func attempts(of experiment: String) -> FilePath {
        directory(of: experiment).appending("attempts")
    }

    /// Where the files of an attempt are while it runs.
    package func attempt(_ name: String, of experiment: String) -> FilePath {
        attempts(of: experiment).appending(name)
    }

    /// The bytes in the files of a tree, symbolic links not followed; 0 when there is no such tree.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func size(of path: FilePath) throws -> Int64 {
        try FileTree.size(path)
    }

    /// Deletes all files of an experiment: checkpoints, attempts and logs.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func remove(_ experiment: String) throws {
        try FileTree.remove(directory(of: experiment))
    }
}
