// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import SystemPackage

/// `pbt replay`.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Train once more from scratch by the winner's schedule, to see how much of its score was luck.",
        discussion: """
            The replay is an experiment of its own in the same store: one member a seed, all with the schedule of the best \
            interval. Give the same command again to go on after an interruption.
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: "MEMBER or MEMBER@INTERVAL whose schedule is taken; the best interval's when left out.")
    var member: IntervalArgument?
    @Option(name: .long, help: "How many times, each with another seed.") var seeds = 1
    @Option(name: .long, help: "The replay's name; default: EXPERIMENT.replay, then EXPERIMENT.replay-2, and so on.")
    var name: String?
    @Option(name: .long, help: "Programs at a time in this process; default: workers in the file.") var workers: Int?
    @Flag(name: .long, help: "Create the replay for workers elsewhere, and do not train.") var createOnly = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var shown: ProgressFlags

    func validate() throws {
        if !(1...10_000).contains(seeds) { throw ValidationError("--seeds must be between 1 and 10000, not \(seeds)") }
        if let workers, !(1...4096).contains(workers) {
            throw ValidationError("--workers must be between 1 and 4096, not \(workers)")
        }
    }

    func run() async throws {
        let opened = try await storeOptions.open()
        let looked = try await Looked(experiment, in: opened)
        let tip = try looked.interval(member)
        let schedule = looked.history.schedule(of: tip.id).map(\.hyperparameters)
        guard createOnly || looked.experiment.trainer != nil else {
            throw Failure(
                .badFile,
                "\"\(experiment)\" is trained by a Swift program, not by a command; create the replay with --create-only "
                    + "and train it with that program")
        }
        // The schedule was found from where its lineage began.
        let founder = looked.history.lineage(of: tip.id).first.flatMap { first in
            looked.experiment.founderCheckpoints.inExperiment(looked.experiment.name)[first.id.member]
        }
        let definition = try await named(
            looked.experiment.replay(named: "", schedule: schedule, seeds: seeds, continuing: founder), opened)
        try await opened.checkUnclaimed(definition)
        let last = try await opened.store.lastEvent()
        let registration = try await Registration(definition, in: opened, retrying: !createOnly)
        let replay = registration.family.main.experiment
        if shown.options.style != .none {
            Output.note(
                "\(PlainText.line(replay.name)): \(Words.count(schedule.count, "interval")) by the schedule of "
                    + "\(PlainText.line(experiment)) \(tip.id), \(Words.count(seeds, "seed"))")
        }
        if !createOnly, !registration.family.isOver, let trainer = replay.trainer {
            guard registration.family.main.state != .paused else {
                throw Failure(
                    .tryLater,
                    "\(replay.name) is paused; resume it with: \(Hint.command("resume", replay.name, in: opened))")
            }
            try trainer.checkDevices(of: replay.name, slots: workers ?? trainer.workers)
            try await RunCommand.work(
                on: registration.family, in: opened, slots: workers ?? trainer.workers, after: last,
                options: shown.options)
        }
        if createOnly, !shown.json {
            return try Output.line(
                "created \(PlainText.line(replay.name)); train it with: \(Hint.worker(opened.location, replay.name))"
            )
        }
        let result = ReplayResult(try await Looked(replay.name, in: opened), of: looked, tip: tip)
        if shown.json { try Output.jsonLine(result.value) } else { try result.print() }
        guard !createOnly else { return }
        if let failed = result.failure { throw Failure(.noResult, failed) }
        if result.scores.isEmpty { throw Failure(.noResult, nil) }
    }

    /// The definition under the name that was asked for, or under the first default name that is free or is the same
    /// replay, not over yet.
    private func named(_ replay: Experiment, _ opened: OpenStore) async throws -> Experiment {
        func seeded(_ replay: Experiment, _ name: String) -> Experiment {
            // The winner was picked for its luck, so its own seeds would flatter the replay: new ones, by the name.
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
