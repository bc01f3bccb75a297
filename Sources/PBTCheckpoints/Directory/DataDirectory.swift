// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// The files of one store: checkpoints, the files of attempts, and logs, by experiment.
///
/// ```
/// ROOT/EXPERIMENT/checkpoints/m0003-i0012-a1/    a published checkpoint: complete and immutable
/// ROOT/EXPERIMENT/manifests/m0003-i0012-a1.json  the seal of a published checkpoint
/// ROOT/EXPERIMENT/attempts/m0003-i0012-a1/       a running attempt: checkpoint/, hyperparameters.json, results.json
/// ROOT/EXPERIMENT/logs/m0003-i0012-a1.log        the output of the trainer
/// ROOT/EXPERIMENT/evaluations/m0003-i0012-e0-a1/ a running evaluation of a checkpoint
/// ROOT/EXPERIMENT/uploads/m0003-i0012-a1/        an incomplete checkpoint that another machine is uploading
/// ROOT/.pbt-data                                 the unique identifier of this directory
/// ```
/// The files of a published checkpoint are read-only, and a ``CheckpointSeal`` reveals changes. Checkpoints are
/// published by one rename, so ROOT must be on one file system. That can be a network file system, mounted at the same
/// path on the machines of all workers.
public struct DataDirectory: Sendable, Hashable {
    /// The absolute path of the directory.
    public let root: FilePath

    /// Creates a reference to a data directory.
    ///
    /// The directory itself is created when the first interval starts.
    ///
    /// - Parameter root: The absolute path of the directory.
    public init(_ root: FilePath) {
        self.root = root
    }

    /// Returns the name of an experiment's directory: percent-encoded except for ASCII letters, digits, `.`, `_`, and
    /// `-`.
    ///
    /// A leading dot is encoded too, so that no name is hidden or is `..`. A name that would exceed the limit of file
    /// systems is truncated, and a hash of the whole name is appended after a `~`.
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

    /// Returns the name of an attempt and of the checkpoint that it publishes: `m0003-i0012-a1`.
    public static func name(of interval: IntervalID, attempt: Int) -> String {
        CheckpointName(interval, attempt: attempt).description
    }

    /// Creates the root, accessible to its owner only regardless of the umask.
    ///
    /// An existing root keeps its permissions.
    /// Files and directories below it have the permissions of the umask.
    package func makeRoot() throws {
        guard try !FileSystem.exists(root) else { return }
        let parent = root.removingLastComponent()
        if !parent.isEmpty { try FileSystem.makeDurableDirectories(parent) }
        try FileSystem.makePrivateDirectory(root)
        try FileSystem.synchronize(directory: parent.isEmpty ? "." : parent)
    }

    /// Creates a directory below the root, with its missing parents.
    package func make(_ directory: FilePath) throws {
        try makeRoot()
        try FileSystem.makeDirectories(directory)
    }

    /// Returns the directory of an experiment.
    public func directory(of experiment: String) -> FilePath {
        root.appending(Self.directoryName(of: experiment))
    }

    /// Returns the path of a published checkpoint.
    public func checkpoint(_ name: String, of experiment: String) -> FilePath {
        directory(of: experiment).appending("checkpoints").appending(name)
    }

    /// Returns the path of the log of an attempt.
    public func log(of interval: IntervalID, attempt: Int, of experiment: String) -> FilePath {
        directory(of: experiment).appending("logs").appending("\(Self.name(of: interval, attempt: attempt)).log")
    }

    /// Returns the directory of the uploads from other machines, with one subdirectory for each attempt.
    package func uploads(of experiment: String) -> FilePath {
        directory(of: experiment).appending("uploads")
    }

    /// Returns the directory of the running attempts of an experiment.
    package func attempts(of experiment: String) -> FilePath {
        directory(of: experiment).appending("attempts")
    }

    /// Returns the directory of the files of a running attempt.
    package func attempt(_ name: String, of experiment: String) -> FilePath {
        attempts(of: experiment).appending(name)
    }

    /// Returns the total size in bytes of the files below a path, without following symbolic links; 0 if it is missing.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func size(of path: FilePath) throws -> Int64 {
        try FileTree.size(path)
    }

    /// Deletes all files of an experiment: checkpoints, attempts, and logs.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func remove(_ experiment: String) throws {
        try FileTree.remove(directory(of: experiment))
    }
}
