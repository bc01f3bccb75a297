// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt evaluate`.
struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure the best checkpoints of a finished experiment again, and choose the winner by the mean.",
        discussion: """
            Runs what evaluate in the experiment's definition says; pbt run does so at the end of a run. Evaluations that \
            are recorded are not repeated, except those that failed.
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Option(name: .long, help: "The number of best checkpoints, instead of that in the definition.")
    var candidates: Int?
    @Option(name: .long, help: "The number of evaluations of each, instead of that in the definition.")
    var repeats: Int?
    @OptionGroup var workersOption: WorkersOption
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func validate() throws {
        for (name, number) in [("candidates", candidates), ("repeats", repeats)] {
            if let number, !(1...1000).contains(number) {
                throw ValidationError("--\(name) must be between 1 and 1000, not \(number)")
            }
        }
    }

    func run() async throws {
        let opened = try await storeOptions.open()
        let name = try await opened.store.resolved(experiment)
        let family = try await ExperimentFamily(name, in: opened.store)
        guard var settings = family.main.experiment.evaluate else {
            throw Failure(
                .usage,
                "the definition of \"\(name)\" does not say how to evaluate; add evaluate: {repeats: 3} to its file, "
                    + "then: pbt edit FILE")
        }
        guard !opened.isRemote else {
            throw Failure(
                .usage,
                "evaluate needs the store's file; run it on the server's machine, or evaluate what is missing with: "
                    + Hint.worker(opened.location, name))
        }
        guard family.main.state == .finished else {
            throw Failure(.usage, "\"\(name)\" is \(family.main.state.rawValue); it is evaluated when it has finished")
        }
        settings.candidates = candidates ?? settings.candidates
        settings.repeats = repeats ?? settings.repeats
        for record in family.records {
            var definition = record.experiment
            definition.evaluate = settings
            let slots = workersOption.workers ?? definition.trainer?.workers ?? 1
            let evaluator = Evaluator(
                opened: opened, experiment: definition, slots: slots, note: { Output.note($0) }, retriesFailed: true)
            try await evaluator.run()
        }
        let loaded = try await LoadedExperiment(name, in: opened)
        let text = EvaluationText(loaded.history)
        if format.json {
            return try Output.json([
                "name": .string(name), "best": loaded.bestValue,
                "candidates": .array(
                    text.intervals.map { interval in
                        [
                            "member": .integer(interval.id.member), "interval": .integer(interval.id.index),
                            "score": .score(interval.score),
                            "mean": interval.evaluated.map { .number($0.mean) } ?? .null,
                            "deviation": interval.evaluated?.deviation.map { .number($0) } ?? .null,
                            "evaluations": .array(interval.evaluations.map(\.value)),
                        ]
                    }),
                "comparison": loaded.history.verdict?.value ?? .null,
            ])
        }
        for (place, line) in text.lines.enumerated() {
            let mark = place == 0 ? Terminal.output.symbol("★", "*") : " "
            try Output.line("\(mark) \(line)")
        }
        if let verdict = loaded.history.verdict { try Output.line(verdict.text) }
    }
}
