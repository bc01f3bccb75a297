// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// `pbt resume`.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Resume an experiment and its random search after a pause or a failure.",
        discussion: "It trains nothing itself: waiting workers continue; start others with pbt run or pbt worker.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let store = try await storeOptions.open().store
        let family = try await ExperimentFamily(experiment, in: store)
        if family.main.state == .running, family.baseline?.state ?? .running != .paused {
            return try Output.line("\(experiment) is not paused")
        }
        if family.main.state != .running { try await store.resume(experiment) }
        if let baseline = family.baseline, baseline.state == .paused {
            try await store.resume(baseline.experiment.name)
        }
        try Output.line("\(experiment) is resumed")
    }
}
