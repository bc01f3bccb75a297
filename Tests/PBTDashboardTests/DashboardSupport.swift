// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import PBT
import PBTCheckpoints
import PBTTesting
import Testing

@testable import PBTServer

/// An experiment that is trained in a store by simulated workers, one interval after another.
struct TrainedRun {
    var name = "digits"
    var objective = Objective.maximize("accuracy")
    var space: SearchSpace = ["lr": .logUniform(1e-5...1), "momentum": .uniform(0...1), "batch": .constant(64)]
    var kind = Experiment.Kind.populationBasedTraining
    var population = 6
    var intervals = 8
    var retries = 1
    var hasBaseline = false
    /// The number of intervals that finish; nil for all.
    var finishing: Int?
    /// The metrics that are reported with the score.
    var metrics: [String: Value] = ["loss": 0.25]
    /// The score of an interval; nil for a failed one.
    var score: @Sendable (Interval) -> Double? = { interval in
        let rate = interval.hyperparameters["lr"]?.double ?? interval.hyperparameters.values.values.first?.double ?? 0.5
        return 1 - 1 / (2 + Double(interval.depth)) - 0.05 * abs(rate - 0.01)
    }

    var experiment: Experiment {
        Experiment(
            name, kind: kind, objective: objective, population: population, intervals: intervals, seed: 5, space: space,
            retries: retries, hasBaseline: hasBaseline,
            trainer: .init(command: ["python3", "train.py"], directory: "/"))
    }

    /// Creates the experiment and trains it.
    func train(in store: any Store, clock: ManualClock? = nil) async throws {
        let experiment = experiment
        _ = try await store.create(experiment)
        if let baseline = experiment.baseline {
            _ = try await store.create(baseline)
            try await work(on: baseline.name, in: store, clock)
        }
        try await work(on: name, in: store, clock)
    }

    private func work(on name: String, in store: any Store, _ clock: ManualClock?) async throws {
        for turn in 0..<(finishing ?? .max) {
            let claims = try await store.claim(
                1, from: name, by: "box/\(turn % 3 + 1)/a/w", for: .seconds(60), key: nil)
            guard let assignment = claims.assignments.first else { return }
            clock?.advance(by: .seconds(1))
            let interval = assignment.interval
            let outcome: Outcome =
                if let score = score(interval) {
                    .trained(
                        score: score, metrics: metrics.merging([objective.metric: .number(score)]) { $1 },
                        checkpoint: score.isFinite ? "\(assignment.lease.checkpointName)" : nil)
                } else {
                    .failed(reason: "exit 1: boom <script>")
                }
            _ = try await store.finish(assignment.lease, outcome)
        }
    }
}

/// The markup of a page.
struct PageText {
    let text: String

    init(_ answer: Answer) { text = answer.text }

    /// The number of elements.
    var nodes: Int { text.matches(of: /<[a-zA-Z]/).count }

    /// Returns the content of a block that the script replaces.
    func block(_ id: String) -> String? {
        guard let start = text.firstRange(of: "id=\"live-\(id)\"") else { return nil }
        let rest = text[start.upperBound...]
        return String(rest[..<(rest.firstRange(of: "id=\"live-")?.lowerBound ?? rest.endIndex)])
    }

    /// Returns the value of a hidden field.
    func hidden(_ name: String) -> String? {
        let start = "name=\"\(name)\" value=\""
        return text.firstRange(of: start).map { String(text[$0.upperBound...].prefix { $0 != "\"" }) }
    }

    /// A Boolean value indicating whether elements are closed in order, and attributes and text are escaped.
    var isWellFormed: Bool {
        let voids: Set = ["meta", "link", "input", "br", "hr", "img", "!DOCTYPE"]
        var open: [Substring] = []
        for match in text.matches(
            of: /<(\/?)([!a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z_:][-a-zA-Z0-9_:.]*(?:="[^"<]*")?)*)\s*(\/?)>/)
        {
            let (_, slash, name, _, closed) = match.output
            if voids.contains(String(name)) || !closed.isEmpty { continue }
            if slash.isEmpty { open.append(name) } else if open.popLast() != name { return false }
        }
        // Every `<` begins a tag that was understood above.
        let brackets = text.count { $0 == "<" }
        let tags = text.matches(
            of: /<(\/?)([!a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z_:][-a-zA-Z0-9_:.]*(?:="[^"<]*")?)*)\s*(\/?)>/
        ).count
        return open.isEmpty && brackets == tags
    }
}

/// A client that does not follow redirections.
let still = HTTPClient.Configuration(redirectConfiguration: .disallow)
