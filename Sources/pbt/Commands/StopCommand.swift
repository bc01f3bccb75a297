// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// `pbt stop`.
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract:
            "Stop an experiment and its random search for good: running intervals are discarded, results are kept.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let opened = try await storeOptions.open()
        let store = opened.store
        let family = try await ExperimentFamily(experiment, in: store)
        guard !family.isOver else {
            return try Output.line("\(experiment) has already ended (\(family.main.state.rawValue))")
        }
        for record in family.records where !record.state.isOver {
            try await store.stop(record.experiment.name, because: "stopped by the user")
        }
        try Output.line("\(experiment) is stopped; its result: \(Hint.command("best", experiment, in: opened))")
    }
}
