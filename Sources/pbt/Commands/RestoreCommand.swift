// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTWorker
import SystemPackage

/// `pbt restore`.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore a store from a backup, after verifying that it is complete.",
        discussion: """
            Verifies the store's file, and that every checkpoint that it references is there. Nothing is overwritten: --store \
            must name a file that does not exist.
            """)

    @Argument(help: "The directory that pbt backup created.", completion: .directory)
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
                + "\(Words.count(manifest.checkpointCount, "checkpoint")) to \(near(target)); list its experiments with: "
                + Hint.command("list", in: .file(target)))
    }
}
