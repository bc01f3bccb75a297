// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTTesting
import SystemPackage

extension Command.Answer {
    /// The lines of standard output.
    var lines: [String] {
        output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Standard output as JSON.
    func json() throws -> Value {
        try Value(json: output)
    }
}

/// A store in a directory of its own, prepared through the library, and looked at through the command.
struct LookFixture {
    let directory: String
    let clock = ManualClock()

    /// The store's file.
    var path: String { directory + "/pbt.sqlite" }

    /// Runs a body with an empty directory.
    static func with<Result>(_ body: (LookFixture) async throws -> Result) async throws -> Result {
        try await withTemporaryDirectory { try await body(LookFixture(directory: $0)) }
    }

    /// The store, created if need be.
    func store() throws -> SQLiteStore {
        try SQLiteStore(path: path, clock: clock.store)
    }

    /// Creates an experiment and trains it, one interval at a time and in the order in which they are handed out.
    ///
    /// - Parameters:
    ///   - experiment: The experiment.
    ///   - limit: How many intervals to train at most.
    ///   - score: The score of an interval; none: the attempt fails.
    /// - Throws: What the store throws.
    func train(_ experiment: Experiment, limit: Int = .max, score: (Interval) -> Double?) async throws {
        let store = try store()
        _ = try await store.create(experiment)
        var trained = 0
        while trained < limit,
            case .assignment(let assignment) = try await store.claim(
                from: experiment.name, by: "worker", for: .seconds(60))
        {
            trained += 1
            clock.advance(by: .milliseconds(1500))
            let outcome: Outcome =
                if let score = score(assignment.interval) {
                    .trained(
                        score: score, metrics: ["score": .number(score), "loss": .number(1 - score)],
                        checkpoint: "\(assignment.lease.checkpointName)")
                } else {
                    .failed(reason: "exit 1: it broke, \"badly\"")
                }
            _ = try await store.finish(assignment.lease, outcome)
        }
    }

    /// Runs `pbt` on the store, piped.
    func pbt(_ arguments: String..., environment: [String: String] = [:]) async throws -> Command.Answer {
        try await pbt(arguments, environment: environment)
    }

    /// Runs `pbt` on the store, piped.
    func pbt(_ arguments: [String], environment: [String: String] = [:]) async throws -> Command.Answer {
        try await Command.run(
            arguments, in: FilePath(directory),
            environment: environment.merging(["PBT_STORE": path, "LC_ALL": "C.UTF-8"]) { given, _ in given })
    }
}

extension Experiment {
    /// Four members, four intervals, one of each kind of hyperparameter, and a random search.
    static func looked(
        _ name: String = "digits", population: Int = 6, intervals: Int = 4, baseline: Bool = true
    ) -> Experiment {
        Experiment(
            name, objective: .maximize("accuracy"), population: population, intervals: intervals, seed: 7,
            space: [
                "rate": .logUniform(1e-4...1), "momentum": .uniform(0...0.99),
                "batch": .choice([32, 64, 128], ordered: true).immutable(), "note": .constant("a, \"b\""),
            ],
            exploit: .truncation(0.34), explore: .perturb(by: [0.8, 1.25], resampling: 0.1), isSynchronous: true,
            retries: 0, hasBaseline: baseline)
    }
}

extension LookFixture {
    /// The run that most tests look at: 1@2 diverges, and 3@1 fails.
    func trainDigits(_ name: String = "digits") async throws {
        let experiment = Experiment.looked(name)
        // Higher rates are better here, so that what is explored upwards wins.
        func score(_ interval: Interval) -> Double {
            0.3 + 0.1 * Double(interval.depth) + 0.1 * (interval.hyperparameters["rate"]?.double ?? 0).squareRoot()
        }
        try await train(experiment) { interval in
            switch (interval.id.member, interval.id.index) {
            case (1, 2): .nan
            case (3, 1): nil
            default: score(interval)
            }
        }
        if let baseline = experiment.baseline { try await train(baseline) { score($0) - 0.05 } }
    }
}
