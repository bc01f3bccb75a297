// SPDX-License-Identifier: Apache-2.0

package import PBT
import Testing

extension Experiment {
    /// A small experiment.
    package static func sample(
        _ name: String = "toy", kind: Kind = .populationBasedTraining, population: Int = 2, intervals: Int = 3,
        retries: Int = 1, decides: Decides? = nil
    ) -> Experiment {
        Experiment(
            name, kind: kind, objective: .maximize("score"), population: population, intervals: intervals, seed: 7,
            space: ["x": .uniform(0...1)], decides: decides, retries: retries)
    }
}

extension Value {
    /// A body that creates an experiment.
    package static func definition(_ name: String = "toy", population: Int = 2, kind: String = "pbt") -> Value {
        [
            "definition": [
                "name": .string(name), "kind": .string(kind), "objective": ["metric": "score", "goal": "maximize"],
                "population": .integer(population), "intervals": 3, "seed": 7, "space": ["x": ["uniform": [0, 1]]],
            ]
        ]
    }
}

extension TestServer {
    /// Creates a sample experiment in the store.
    package func create(
        _ name: String = "toy", population: Int = 2, intervals: Int = 3, retries: Int = 1,
        decides: Experiment.Decides? = nil
    ) async throws {
        _ = try await store.create(
            .sample(name, population: population, intervals: intervals, retries: retries, decides: decides))
    }

    /// Claims one interval over HTTP, which must succeed, and returns its lease.
    package func lease(_ name: String = "toy", by worker: String = "w", token: String? = nil) async throws -> Value {
        let answer = try await ask(.POST, "/experiments/\(name)/claims", ["worker": .string(worker)], token: token)
        return try #require(try answer.json["assignments"]?.array?.first?["lease"], "\(answer.text)")
    }

    /// Finishes a leased interval over HTTP.
    @discardableResult
    package func finish(_ lease: Value, score: Value = 0.5, token: String? = nil) async throws -> Answer {
        let (member, interval) = (lease["member"]?.int ?? -1, lease["interval"]?.int ?? -1)
        var body: [String: Value] = ["lease": lease, "score": score, "metrics": ["score": score]]
        let id = IntervalID(member: member, index: interval)
        body["checkpoint"] = .string("\(CheckpointName(id, attempt: lease["attempt"]?.int ?? 1))")
        let name = lease["experiment"]?.string ?? ""
        return try await ask(
            .POST, "/experiments/\(name)/intervals/\(member)/\(interval)/finish", .object(body), token: token)
    }

    /// The path of what a lease is for, below `/api/v1`.
    package func path(_ lease: Value, _ verb: String) -> String {
        "/experiments/\(lease["experiment"]?.string ?? "")/intervals/\(lease["member"]?.int ?? -1)/"
            + "\(lease["interval"]?.int ?? -1)/\(verb)"
    }
}

extension Value {
    /// The numbers of the intervals in a list of objects, as `member@interval`.
    package var intervalNames: [String] {
        (array ?? []).map { "\($0["member"]?.int ?? -1)@\($0["interval"]?.int ?? -1)" }
    }
}
