// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTCheckpoints
import PBTReport
import PBTSQLite
import SystemPackage

/// `pbt backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a store and its checkpoints to a new directory, also while a run is using them.",
        discussion: """
            The copy is consistent: no checkpoint that its store names is missing, and intervals that were running wait to be \
            trained. On the same file system files are hard-linked, which takes no space. Use it as it is (--store \
            DIRECTORY/pbt.sqlite), or put it somewhere else with: pbt restore DIRECTORY --store FILE
            """)

    @Argument(help: "The directory to create.", completion: .directory)
    var directory: String

    @Flag(name: .customLong("no-logs"), help: "Leave out the logs of the trainers.")
    var leavesOutLogs = false

    @Flag(name: .long, help: "Copy every file, also where a hard link would do.")
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

/// `pbt restore`.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a store out of a backup, after checking that it is whole.",
        discussion: """
            Checks the store's file, and that every checkpoint it names is there. Nothing is overwritten: give a file that does \
            not exist with --store.
            """)

    @Argument(help: "The directory that pbt backup made.", completion: .directory)
    var backup: String

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        guard case .file(let target) = try storeOptions.location() else {
            throw Failure(.usage, "a backup is restored to a file, not to a server; give --store FILE")
        }
        let manifest = try Restore(backup: absolute(FilePath(backup)), target: target).make()
        if format.json {
            guard case .object(var fields) = manifest.value else { return }
            (fields["store"], fields["created"]) = (.string(target.string), nil)
            fields["data"] = .string(Restore(backup: FilePath(backup), target: target).dataTarget.string)
            return try Output.json(.object(fields))
        }
        try Output.line(
            "restored \(Words.count(manifest.experiments.count, "experiment")) with "
                + "\(Words.count(manifest.checkpointCount, "checkpoint")) to \(near(target)); look at it with: "
                + Hint.command("list", in: .file(target)))
    }
}
