// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt report`.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write an HTML report with all charts and tables of an experiment, or of several side by side.",
        discussion: """
            The file makes no network requests and contains no scripts. It includes the names of workers, which may be \
            host names, and the trainer's command.

              pbt report digits -o digits.html
            """)

    @Argument(help: "The experiment; several are compared.") var experiments: [String]
    @Option(name: [.short, .customLong("output")], help: "FILE.html, or - for standard output.") var output: String
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        let name = output.lowercased()
        if output != "-", !name.hasSuffix(".html"), !name.hasSuffix(".htm") {
            throw ValidationError("\"\(output)\" must end in .html, or be - for standard output")
        }
        if let twice = experiments.first(where: { name in experiments.count { $0 == name } > 1 }) {
            throw ValidationError("\"\(twice)\" is named twice")
        }
    }

    func run() async throws {
        var histories: [History] = []
        for experiment in experiments { histories.append(try await storeOptions.load(experiment).history) }
        if Set(histories.map(\.record.experiment.objective)).count > 1 {
            let metrics = histories.map { "\($0.record.experiment.name): \($0.record.experiment.objective.metric)" }
            throw Failure(
                .usage,
                "experiments with different objectives cannot be compared (\(metrics.joined(separator: ", "))); write a "
                    + "report of each")
        }
        var file = try OutputFile(output)
        try file.append(Report.html(of: histories, storeOption: Hint.storeOption(try storeOptions.location())).utf8)
        try file.finish()
    }
}
