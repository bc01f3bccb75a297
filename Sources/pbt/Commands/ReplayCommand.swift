// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import SystemPackage

/// `pbt replay`.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Retrain from scratch with the best schedule, to see how much of its score was luck.",
        discussion: """
            The replay is an experiment of its own in the same store: one member per seed, all with the schedule of the best \
            interval. Rerun the same command to resume after an interruption.

              pbt replay digits --seeds 5
              pbt replay digits --smooth auto --scale 4
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: "MEMBER or MEMBER@INTERVAL whose schedule is replayed; default: the best interval.")
    var member: IntervalArgument?
    @Option(name: .long, help: "The number of replays, each with its own seed.") var seeds = 1
    @Option(name: .long, help: "The replay's name; default: EXPERIMENT.replay, then EXPERIMENT.replay-2, and so on.")
    var name: String?
    @OptionGroup var shape: ScheduleShape
    @OptionGroup var workersOption: WorkersOption
    @Flag(name: .long, help: "Create the replay for other workers, without training it.") var createOnly = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var shown: ProgressFlags

    func validate() throws {
        if !(1...10_000).contains(seeds) { throw ValidationError("--seeds must be between 1 and 10000, not \(seeds)") }
    }

    func run() async throws {
        let opened = try await storeOptions.open()
        let loaded = try await LoadedExperiment(experiment, in: opened)
        let tip = try loaded.interval(member)
        let found = shape.schedule(of: loaded.history.lineage(of: tip.id), in: loaded.experiment)
        let schedule = found.intervals(try shape.length(of: found))
        guard createOnly || loaded.experiment.trainer != nil else {
            throw Failure(
                .badFile,
                "\"\(experiment)\" is trained by a Swift program, not by a command; create the replay with --create-only "
                    + "and train it with that program")
        }
        // The schedule was found from the checkpoint that its founder continued.
        let founder = loaded.history.lineage(of: tip.id).first.flatMap { first in
            loaded.experiment.founderCheckpoints.inExperiment(loaded.experiment.name)[first.id.member]
        }
        let definition = try await named(
            loaded.experiment.replay(named: "", schedule: schedule, seeds: seeds, continuing: founder), opened)
        let last = try await opened.store.lastEvent()
        let registration = try await Registration(definition, in: opened, retrying: !createOnly)
        let replay = registration.family.main.experiment
        if shown.options.style != .none {
            Output.note(
                "\(PlainText.line(replay.name)): \(Words.count(schedule.count, "interval")) by the schedule of "
                    + "\(PlainText.line(experiment)) \(tip.id), "
                    + (shape.isPlain ? "" : "\(shape.text), ") + Words.count(seeds, "seed"))
        }
        if !createOnly, !registration.family.isOver, let trainer = replay.trainer {
            guard registration.family.main.state != .paused else {
                throw Failure(
                    .tryLater,
                    "\(replay.name) is paused; resume it with: \(Hint.command("resume", replay.name, in: opened))")
            }
            try trainer.checkDevices(of: replay.name, slots: workersOption.workers ?? trainer.workers)
            try await Session.train(
                registration.family, in: opened, slots: workersOption.workers ?? trainer.workers, after: last,
                options: shown.options)
        }
        if createOnly, !shown.json {
            return try Output.line(
                "created \(PlainText.line(replay.name)); train it with: \(Hint.worker(opened.location, replay.name))"
            )
        }
        let result = ReplayResult(try await LoadedExperiment(replay.name, in: opened), of: loaded, tip: tip)
        if shown.json { try Output.jsonLine(result.value) } else { try result.print() }
        guard !createOnly else { return }
        if let failed = result.failure { throw Failure(.noResult, failed) }
        if result.scores.isEmpty { throw Failure(.noResult, nil) }
    }

    /// Returns the definition under the name on the command line, or under the first default name that is free or belongs
    /// to the same replay, unfinished.
    private func named(_ replay: Experiment, _ opened: OpenStore) async throws -> Experiment {
        func seeded(_ replay: Experiment, _ name: String) -> Experiment {
            // The winner's own seeds would bias the replay upwards: new ones, derived from the name.
            var random = RandomStream(seed: replay.seed, .trainer, member: 0, index: 0, name: name)
            var seeded = replay
            seeded.name = name
            seeded.seed = random.next() >> 33
            return seeded
        }
        if let name {
            if let complaint = Experiment.complaint(aboutName: name) { throw Failure(.usage, "--name \(complaint)") }
            return seeded(replay, name)
        }
        let records = try await opened.store.experiments()
        var candidate = replay
        for number in 1... {
            candidate = seeded(replay, number == 1 ? "\(experiment).replay" : "\(experiment).replay-\(number)")
            guard let taken = records.first(where: { $0.experiment.name == candidate.name }) else { break }
            if !taken.state.isOver, taken.experiment.conflicts(with: candidate).isEmpty { break }
        }
        if let complaint = Experiment.complaint(aboutName: candidate.name) {
            throw Failure(.usage, "the replay's name \(complaint); choose one with --name")
        }
        return candidate
    }
}
