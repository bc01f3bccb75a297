// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import SystemPackage

/// `pbt download`.
struct DownloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Copy a checkpoint into a new directory: that of the best interval, or of --interval.",
        discussion: """
            Works with a file and with a server. Every file is verified by its hash; the directory appears once all files \
            are there. It must not exist yet.
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: "The directory; must not exist yet.", completion: .directory) var directory: String
    @Option(name: .long, help: ArgumentHelp("An interval other than the best one.", valueName: "member@interval"))
    var interval: IntervalArgument?
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let loaded = try await storeOptions.load(experiment)
        let interval = try loaded.interval(interval)
        let saved = try await CheckpointDownload(loaded: loaded, interval: interval).save(to: directory)
        if format.json {
            return try Output.json([
                "name": .string(loaded.experiment.name), "member": .integer(interval.id.member),
                "interval": .integer(interval.id.index), "path": .string(saved.path.string),
                "bytes": .integer(Int(saved.bytes)),
            ])
        }
        try Output.line("\(interval.id) is in \(PlainText.line(saved.path.string)), \(Format.bytes(saved.bytes))")
    }
}
