// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import SystemPackage

/// `pbt create`.
struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create an experiment in a store without training it.",
        discussion:
            "Queue configurations with pbt push, then train with pbt run, or with any number of pbt worker processes.")

    @Argument(help: "The experiment file (YAML or JSON).", completion: .file())
    var file: String

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var overrides: ExperimentOverrides
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let source = try ExperimentFile(file)
        source.warn()
        let experiment = try overrides.applied(to: source.experiment)
        let opened = try await storeOptions.open(in: source.directory, creating: true)
        let hint = overrides.hint(file, in: opened, storeDirectory: source.directory)
        let registration = try await Registration(experiment, in: opened, retrying: false, hint: hint)
        let record = registration.family.main
        let isNew = if case .created = registration.outcome { true } else { false }
        if format.json {
            return try Output.json([
                "name": .string(experiment.name), "state": .string(record.state.rawValue), "created": .bool(isNew),
                "store": .string(opened.location.description),
                "experiments": .array(registration.family.names.map { .string($0) }),
            ])
        }
        let (name, store) = (PlainText.line(experiment.name), opened.location)
        try Output.line(
            isNew
                ? "\(name) is in \(store); train it with: \(hint.command()), or: \(Hint.worker(store, experiment.name))"
                : "\(name) already exists in \(store); it is \(record.state.rawValue)")
    }
}
