// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// `pbt show`.
struct ShowCommand: PagedCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the progress of an experiment, its best interval and its members.")

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Flag(name: .long, help: "Show all members, not only the top 20.") var all = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var pager: PagerOptions

    func printOutput() async throws {
        let loaded = try await storeOptions.load(experiment)
        let members = loaded.standings()
        if format.json {
            try Output.json(loaded.value(of: members))
        } else {
            try ShowText(loaded: loaded, members: members).print(all: all)
        }
    }
}
