// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// `pbt pause`.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause an experiment and its random search: running intervals finish, no new ones start.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let opened = try await storeOptions.open()
        let store = opened.store
        let family = try await ExperimentFamily(experiment, in: store)
        guard family.main.state.isOver else {
            for record in family.records where !record.state.isOver {
                try await store.pause(record.experiment.name)
            }
            return try Output.line(
                "\(experiment) is paused; resume it with: \(Hint.command("resume", experiment, in: opened))")
        }
        // Throws an error that says which state it is in.
        try await store.pause(experiment)
    }
}
