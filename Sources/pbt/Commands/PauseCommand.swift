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

/// `pbt resume`.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let an experiment and its random search go on after a pause, or after they failed.",
        discussion: "Trains nothing itself: workers that wait go on, and pbt run or pbt worker may be started.")

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
        try Output.line("\(experiment) goes on")
    }
}

/// `pbt stop`.
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "End an experiment and its random search for good; what runs is stopped, what is done is kept.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let opened = try await storeOptions.open()
        let store = opened.store
        let family = try await ExperimentFamily(experiment, in: store)
        guard !family.isOver else {
            return try Output.line("\(experiment) is over already (\(family.main.state.rawValue))")
        }
        for record in family.records where !record.state.isOver {
            try await store.stop(record.experiment.name, because: "it was stopped by hand")
        }
        try Output.line("\(experiment) is stopped; its result: \(Hint.command("best", experiment, in: opened))")
    }
}
