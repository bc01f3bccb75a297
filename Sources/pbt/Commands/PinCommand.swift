// SPDX-License-Identifier: Apache-2.0

import PBTCheckpoints
import ArgumentParser
import PBT
import PBTWorker

/// `pbt pin`.
struct PinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Keep the checkpoint of an interval, even when the experiment no longer needs it."
    )

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @Argument(help: "The interval: MEMBER@INTERVAL, for example 3@12.")
    var interval: IntervalArgument

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let id = try interval.interval()
        let opened = try await storeOptions.open()
        try await opened.store.pin(id, of: experiment, true)
        let pinned = try await opened.store.interval(id, of: experiment)
        // Schedy's clients keep the files of their jobs.
        let path =
            pinned.label != nil
            ? nil : pinned.checkpoint.flatMap { opened.data?.checkpoint(named: $0, of: experiment) }
        try Output.line("the checkpoint of \(id) is kept" + (path.map { " in \($0)" } ?? ""))
    }
}
