// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import PBTSQLite
import PBTWorker
import SystemPackage

/// `pbt backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a store and its checkpoints to a new directory, even while a run is using them.",
        discussion: """
            The copy is consistent: no checkpoint that its store references is missing, and running intervals are waiting \
            again. On the same file system, files are hard-linked, which takes no space. Use it in place (--store \
            DIRECTORY/pbt.sqlite), or restore it elsewhere with: pbt restore DIRECTORY --store FILE
            """)

    @Argument(help: "The directory to create.", completion: .directory)
    var directory: String

    @Flag(name: .customLong("no-logs"), help: "Leave out the trainers' logs.")
    var leavesOutLogs = false

    @Flag(name: .long, help: "Copy every file, even where a hard link would do.")
    var copy = false

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let opened = try await storeOptions.open(reading: true)
        guard let store = opened.store as? SQLiteStore, let data = opened.data else {
            throw Failure(
                .usage,
                "a backup is made where the store's file is: run pbt backup on the machine of \(opened.location), with "
                    + "--store FILE")
        }
        let target = try absolute(FilePath(directory))
        let manifest = try await Backup(
            store: store, data: data, target: target, includesLogs: !leavesOutLogs, isCopying: copy
        ).make()
        if format.json {
            guard case .object(var fields) = manifest.value else { return }
            fields["path"] = .string(target.string)
            return try Output.json(.object(fields))
        }
        try Output.line(
            "backed up \(Words.count(manifest.experiments.count, "experiment")) with "
                + "\(Words.count(manifest.checkpointCount, "checkpoint")), \(Format.bytes(manifest.bytes)), to "
                + "\(near(target)); restore with: "
                + Shell.command(["pbt", "restore", Hint.operand(near(target)), "--store", "FILE"]))
    }
}
