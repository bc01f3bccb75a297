// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTCheckpoints
import SystemPackage

/// The manifest of a backup, `backup.json`: written last, so that a backup with a manifest is complete.
struct BackupManifest {
    /// Its file name.
    static let name = "backup.json"
    /// The version of the format.
    static let format = 1

    /// An experiment in a backup.
    struct Entry {
        /// Its name.
        var name: String
        /// The size in bytes of each checkpoint, by name.
        var checkpoints: [String: Int64]
    }

    /// The name of the store's file in the backup.
    var store: String
    /// The name of the data directory in the backup.
    var data: String
    /// The time of the snapshot.
    var created: Timestamp
    /// True if the backup includes logs.
    var hasLogs: Bool
    /// The experiments, in the order in which they were created.
    var experiments: [Entry]

    /// The number of checkpoints of all experiments.
    var checkpointCount: Int { experiments.reduce(0) { $0 + $1.checkpoints.count } }
    /// The size of all checkpoints in bytes.
    var bytes: Int64 { experiments.reduce(0) { $1.checkpoints.values.reduce($0, +) } }

    /// The manifest as JSON.
    var value: Value {
        [
            "format": .integer(Self.format), "version": .string(Version.current), "created": .string("\(created)"),
            "store": .string(store), "data": .string(data), "logs": .bool(hasLogs),
            "experiments": .array(
                experiments.map {
                    [
                        "name": .string($0.name),
                        "checkpoints": .object($0.checkpoints.mapValues { .integer(Int($0)) }),
                    ]
                }),
        ]
    }

    init(store: String, data: String, created: Timestamp, hasLogs: Bool, experiments: [Entry]) {
        (self.store, self.data, self.created) = (store, data, created)
        (self.hasLogs, self.experiments) = (hasLogs, experiments)
    }

    /// Reads the manifest of a backup.
    ///
    /// - Throws: A ``Failure`` when there is none, or it is invalid.
    init(of backup: FilePath) throws {
        let path = backup.appending(Self.name)
        guard let bytes = FileManager.default.contents(atPath: path.string) else {
            throw Failure(
                .noSuch,
                "\(near(backup)) is not a backup: there is no \(Self.name) in it. A store that was copied in another way "
                    + "can be used in place with --store FILE")
        }
        let value: Value
        do { value = try Value(json: Array(bytes)) } catch { throw Self.unreadable(path, "\(error)") }
        guard let format = value["format"]?.int, let store = value["store"]?.string, let data = value["data"]?.string,
            let list = value["experiments"]?.array
        else { throw Self.unreadable(path, "a field is missing") }
        guard format == Self.format else {
            throw Failure(.unreachable, "\(path) was written by a newer version of pbt; update pbt")
        }
        // Names of files in the backup, not paths to somewhere else.
        for name in [store, data] where FilePath.Component(name)?.kind != .regular || name.hasSlash {
            throw Self.unreadable(path, "\"\(name)\" is not a file name")
        }
        let experiments = try list.map { item in
            guard let name = item["name"]?.string, let sizes = item["checkpoints"]?.object else {
                throw Self.unreadable(path, "an experiment is incomplete")
            }
            return Entry(name: name, checkpoints: sizes.compactMapValues { $0.int.map { Int64($0) } })
        }
        self.init(
            store: store, data: data, created: Timestamp(milliseconds: 0), hasLogs: value["logs"] == true,
            experiments: experiments)
    }

    private static func unreadable(_ path: FilePath, _ why: String) -> Failure {
        Failure(.unreachable, "\(path) cannot be read: \(why); the backup is damaged")
    }
}
