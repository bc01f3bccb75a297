// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleModels

/// Trains a population of models written in Swift, in this process.
@main struct SwiftExample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swift-example",
        abstract: "Population based training of models written in Swift, in one process.",
        discussion: """
            charlm     a character language model on a text of 35 kB
            digits     a network on handwritten digits, 30 % of the training labels random
            quadratic  a badly conditioned quadratic with noisy gradients; synthetic

            Progress goes to standard error, the result to standard output.
            """)

    enum Name: String, ExpressibleByArgument, CaseIterable {
        case charlm, digits, quadratic
    }

    @Argument(help: "What is trained.")
    var name: Name

    @Option(help: "The seed of every draw; with --compare the first one.")
    var seed: UInt64 = 1

    @Option(help: "How many intervals are trained at a time; makes no difference to the result.")
    var workers = 2

    @Option(help: "Keep everything in this SQLite file, and checkpoints next to it; rerun to resume after a stop.")
    var store: String?

    @Option(help: "Draw the learning curves into this SVG file.")
    var plot: String?

    @Flag(help: "Also train a random search with the same founders and budget.")
    var randomSearch = false

    @Flag(help: "Run PBT and random search for several seeds, and print how they did as tables in Markdown.")
    var compare = false

    @Option(help: "How many seeds --compare runs.")
    var seeds = 8

    @Flag(help: "A small search, for a first look.")
    var short = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (1...1024).contains(workers) else { throw ValidationError("--workers must be 1 to 1024, not \(workers)") }
        guard (1...1000).contains(seeds) else { throw ValidationError("--seeds must be 1 to 1000, not \(seeds)") }
        guard seed < 1 << 62 else { throw ValidationError("--seed must be below 2 to the power of 62") }
        if compare, let option = store.map({ _ in "--store" }) ?? plot.map({ _ in "--plot" }) {
            throw ValidationError("--compare does not go with \(option)")
        }
    }

    func run() async throws {
        switch name {
        case .charlm: try await run(CharacterLanguageModel())
        case .digits: try await run(NoisyDigits())
        case .quadratic: try await run(NoisyQuadratic())
        }
    }

    private func run(_ workload: some Workload) async throws {
        if compare {
            try await Comparison(of: workload, options: self).print(json: json)
        } else {
            try await search(with: workload)
        }
    }
}
