// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt clone`.
struct CloneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone",
        abstract: "Create an experiment with the definition of another one, from its beginning.",
        discussion: """
            The new experiment has the present definition, also the edits; nothing is trained yet, and no checkpoint is \
            taken along. Its random search, if it has one, is created too.
            """)

    @Argument(help: "The experiment to take the definition of.", completion: .experiments) var experiment: String
    @Argument(help: "The new experiment's name.") var name: String
    @Option(name: .long, help: "Another seed.") var seed: Int?
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        if let complaint = Experiment.complaint(aboutName: name) { throw Failure(.usage, "the new name \(complaint)") }
        let opened = try await storeOptions.open()
        let original = try await opened.store.record(of: try await opened.store.resolved(experiment)).experiment
        var clone = original
        clone.name = name
        if let seed { clone.seed = UInt64(bitPattern: Int64(seed)) }
        // Of an open search, what came was counted; the clone begins with what was listed.
        if clone.takesMembers { clone.population = clone.initial.count }
        var names: [String] = []
        for created in [clone] + (clone.baseline.map { [$0] } ?? []) {
            names.append(try await opened.store.create(created).experiment.name)
        }
        if format.json {
            return try Output.json([
                "name": .string(name), "from": .string(original.name),
                "experiments": .array(names.map { .string($0) }),
            ])
        }
        try Output.line(
            "\(PlainText.line(name)) has the definition of \(PlainText.line(original.name)); train it with: "
                + Hint.worker(opened.location, name))
    }
}
