// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker
import SystemPackage

/// `pbt gc`.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Delete unreferenced files.",
        discussion: """
            Checkpoints that are no longer needed, checkpoints that no interval references because their worker died, and \
            files of attempts that have ended. Files of running intervals are kept.
            """)

    @Argument(help: "The experiment; default: all experiments of the store.", completion: .experiments)
    var experiment: String?

    @Flag(name: [.customShort("n"), .long], help: "Only print what would be deleted.")
    var dryRun = false

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let opened = try await storeOptions.open()
        guard !opened.isRemote else {
            throw Failure(
                .usage,
                "the server \(opened.location) deletes unreferenced checkpoints by itself; for other leftovers, run pbt gc "
                    + "on its machine with --store FILE")
        }
        let data = try opened.directory(for: "pbt gc")
        let names =
            if let experiment {
                try await ExperimentFamily(experiment, in: opened.store).names
            } else {
                try await opened.store.experiments().map(\.experiment.name)
            }
        if !dryRun { try data.removeStaleStages() }
        var orphans: [Orphan] = []
        for name in names {
            let garbage = try await opened.store.garbage(of: name)
            let found = try await data.orphans(of: name, in: opened.store)
            if !dryRun {
                try data.collect(found)
                let (gone, problem) = data.deleteEach(garbage, of: name)
                try await opened.store.collected(gone, of: name)
                try await data.collectManifests(of: name, in: opened.store)
                if let problem { throw problem }
            }
            orphans += found
        }
        let bytes = orphans.reduce(Int64(0)) { $0.adding(saturating: $1.bytes) }
        if format.json {
            return try Output.json([
                "deleted": .bool(!dryRun), "bytes": .integer(Int(bytes)),
                "paths": .array(orphans.map { ["path": .string($0.path.string), "bytes": .integer(Int($0.bytes))] }),
            ])
        }
        for orphan in orphans {
            try Output.line("\(orphan.path)  \(Format.bytes(orphan.bytes))")
        }
        let count = Words.count(orphans.count, "directory", "directories")
        try Output.line("\(dryRun ? "would delete" : "deleted") \(count), \(Format.bytes(bytes))")
    }
}
