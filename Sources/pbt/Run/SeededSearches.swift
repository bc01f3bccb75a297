// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The same search with several seeds, one after the other: `pbt run FILE --seeds N`.
///
/// Each is an experiment of its own with the name `NAME.seed-SEED`, so that it can be resumed, inspected, and used
/// again by a later run with more seeds.
struct SeededSearches: Sendable {
    /// The experiments, in order of their seeds; at least one.
    let experiments: [Experiment]

    /// Creates the experiments.
    ///
    /// - Parameters:
    ///   - experiment: The definition with the first seed.
    ///   - count: The number of seeds; at least 1.
    /// - Throws: A ``Failure`` if a name becomes too long.
    init(of experiment: Experiment, count: Int) throws {
        experiments = try (0..<count).map { number in
            var seeded = experiment
            seeded.seed = experiment.seed &+ UInt64(number)
            seeded.name = "\(experiment.name).seed-\(Int64(bitPattern: seeded.seed))"
            if let complaint = Experiment.complaint(aboutName: seeded.name) {
                throw Failure(.usage, "the name \"\(seeded.name)\" \(complaint); choose a shorter one with --name")
            }
            return seeded
        }
    }

    /// Trains the searches that have not ended, and prints the results of all.
    ///
    /// - Parameter search: The store, the trainer, and the output.
    /// - Throws: A ``Failure`` when a signal ended it; or, after the results of all, when one of the searches has no
    ///   usable result.
    func run(_ search: Search) async throws {
        var results: [RunResult] = []
        for experiment in experiments {
            let last = try await search.opened.store.lastEvent()
            let registration = try await search.register(experiment)
            if !registration.isFinished { try await search.train(registration, after: last) }
            try await search.evaluate(experiment)
            let result = try await RunResult(of: registration.family, in: search.opened)
            if search.shown.json {
                try Output.jsonLine(result.value)
            } else if !search.shown.quiet {
                Output.note(result.line)
            }
            results.append(result)
        }
        let summary = SeedSummary(
            experiments[0].objective,
            results.map { SeedSummary.Search($0.loaded.history, isUsable: $0.status == .done) })
        if search.shown.json {
            try Output.jsonLine(summary.value)
        } else {
            if !search.shown.quiet {
                try summary.table.print()
                try Output.line()
            }
            for line in summary.lines { try Output.line(line) }
        }
        for result in results where result.status != .done { FailureText(result.loaded).write() }
        guard summary.failed.isEmpty else { throw Failure(.noResult, nil) }
    }
}
