// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import SystemPackage

/// `pbt create`.
struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Put an experiment into a store without training it.",
        discussion: "Queue configurations with pbt push, then train with pbt run or with any number of pbt worker.")

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
        try await opened.checkUnclaimed(experiment)
        let hint = overrides.hint(file, in: opened, beside: source.directory)
        let notice = ChangeNotice(hint: hint, opened: opened)
        let registration = try await Registration(experiment, in: opened, retrying: false) { change in
            try await notice.tell(change)
        }
        let record = registration.family.main
        let isNew = registration.outcome == .created
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
                : "\(name) was in \(store) already; it is \(record.state.rawValue)")
    }
}
