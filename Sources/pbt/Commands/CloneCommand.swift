// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt clone`.
struct CloneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone",
        abstract: "Create an experiment with the definition of another one, starting from scratch.",
        discussion: """
            The new experiment has the current definition, including edits; it is untrained, and gets no checkpoints except \
            those that founders continue. Its random search, if it has one, is created too.

            --set changes a key of the definition, which pbt show --json prints: --set population=32 --set \
            space.learning_rate='{log_uniform: [1e-5, 1]}'. To continue the best members of an experiment instead: \
            --set from=EXPERIMENT.
            """)

    @Argument(help: "The experiment whose definition is copied.", completion: .experiments) var experiment: String
    @Argument(help: "The new experiment's name.") var name: String
    @Option(name: .long, help: "A new seed; default: that of the original.") var seed: Int?
    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "A new value for a key, written as in an experiment file; repeatable.", valueName: "key=value"))
    var set: [String] = []
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        if let complaint = Experiment.complaint(aboutName: name) { throw Failure(.usage, "the new name \(complaint)") }
        let opened = try await storeOptions.open()
        let original = try await opened.store.record(of: try await opened.store.resolved(experiment)).experiment
        var clone = original
        clone.founderCheckpoints = clone.founderCheckpoints.inExperiment(original.name).withoutCopies
        clone = try DefinitionChange(set).applied(to: clone)
        clone.name = name
        if let seed { clone.seed = UInt64(bitPattern: Int64(seed)) }
        // The population of an open search has grown; the clone starts with the listed members.
        if clone.takesMembers { clone.population = clone.initial.count }
        var names: [String] = []
        try await opened.checkUnclaimed(clone)
        clone = try await opened.copyingFounders(of: clone)
        names.append(try await opened.store.create(clone).experiment.name)
        if let baseline = clone.baseline {
            names.append(try await opened.store.create(opened.copyingFounders(of: baseline)).experiment.name)
        }
        if format.json {
            return try Output.json([
                "name": .string(name), "from": .string(original.name),
                "experiments": .array(names.map { .string($0) }),
            ])
        }
        try Output.line(
            "\(PlainText.line(name)) was created from the definition of \(PlainText.line(original.name)); train it with: "
                + Hint.worker(opened.location, name))
    }
}
