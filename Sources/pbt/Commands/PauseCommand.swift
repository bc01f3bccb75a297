// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// `pbt pause`.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Begin no more intervals of an experiment and its random search; what runs goes on.")

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
        // Says what it is instead.
        try await store.pause(experiment)
    }
}
