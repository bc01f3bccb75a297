// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting

/// The cost of an interval, claim, finish and decision, by the number of members; and of a choice by PB2 by its rows.
///
/// Nothing is trained. Populations take turns, so that whatever else the machine does falls on all of them alike.
enum DecisionCost {
    /// The rules, as in an experiment file.
    private static let rules: [(name: String, rules: [String: Value])] = [
        ("truncation", ["exploit": ["truncation": 0.2]]),
        ("tournament", ["exploit": "binary_tournament"]),
        ("portfolio", ["preset": "portfolio"]),
        ("gate by spread", ["exploit": ["truncation": 0.2, "gate": ["relative": 0.05, "spread": 0.5]]]),
        ("elites", ["exploit": ["truncation": 0.2, "elites": ["count": 2, "relative": 0.1]]]),
        ("elites that are taken", ["exploit": ["truncation": 0.2, "elites": ["count": 2, "absolute": 0]]]),
    ]

    /// Tells for each rule the milliseconds of CPU per interval with 100 and with 10,000 members.
    ///
    /// - Parameters:
    ///   - repetitions: The number of turns; the least time of all counts.
    ///   - tell: Prints a line.
    /// - Throws: The errors of the store.
    static func measure(repetitions: Int, _ tell: (Value) throws -> Void) async throws {
        for (name, rules) in rules {
            var least: [Int: Double] = [:]
            for _ in 0..<repetitions {
                for members in [100, 10_000] {
                    // The same number of decisions, in as many searches.
                    var cost = 0.0
                    let searches = 10_000 / members
                    for seed in 0..<searches {
                        cost += try await run(rules, members, seed: seed, falls: name.contains("taken"))
                    }
                    let each = 1000 * cost / Double(searches * members * intervals)
                    least[members] = min(least[members] ?? .infinity, each)
                }
            }
            let (few, many) = (least[100] ?? .nan, least[10_000] ?? .nan)
            try tell([
                "rule": .string(name), "ms_of_100": .number(few), "ms_of_10000": .number(many),
                "ratio": .number(many / few),
            ])
        }
    }

    private static let intervals = 4

    /// Returns the CPU time of a search in which nothing is trained.
    private static func run(
        _ rules: [String: Value], _ members: Int, seed: Int, falls: Bool
    ) async throws -> Double {
        let definition: [String: Value] = [
            "name": "cost", "objective": ["metric": "score", "goal": "maximize"], "population": .integer(members),
            "intervals": .integer(intervals), "seed": .integer(seed),
            "space": ["a": ["uniform": [0, 1]], "b": ["log_uniform": [0.0001, 1]]],
        ]
        let experiment = try Experiment(
            document: Document(.object(definition.merging(rules) { $1 })), directory: "/")
        let clock = ManualClock()
        let store = InMemoryStore(clock: clock.store)
        _ = try await store.create(experiment)
        let start = processorTime()
        while case .assignment(let assignment) = try await store.claim(
            from: experiment.name, by: "w", for: .seconds(1000))
        {
            let interval = assignment.interval
            let progress = Double(falls ? -interval.id.index : interval.id.index)
            let score = try interval.hyperparameters.double("a") + 2 * progress
            _ = try await store.finish(
                assignment.lease,
                .trained(score: score, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)"))
        }
        return processorTime() - start
    }

    /// Returns the milliseconds of CPU of choices by PB2 with 1000 rows: of the first of a generation, and of others.
    static func measurePB2() throws -> Value {
        let (members, indices, axes) = (50, 21, 4)
        var space: [String: Dimension] = [:]
        for axis in 0..<axes { space["h\(axis)"] = .uniform(0...1) }
        let experiment = Experiment(
            "cost", objective: .maximize("score"), population: members, intervals: 100, seed: 1,
            space: SearchSpace(space), exploit: .truncation(0.4), explore: .pb2())
        var rows: [[Interval]] = []
        var population = Population(objective: experiment.objective, seed: 1, size: members)
        for index in 0..<indices {
            rows.append(
                (0..<members).map { member in
                    var interval = Interval(
                        id: IntervalID(member: member, index: index),
                        parent: index == 0 ? nil : IntervalID(member: member, index: index - 1),
                        hyperparameters: experiment.space.sample(seed: 1, member: member, index: index),
                        depth: index + 1, created: Timestamp(milliseconds: 0))
                    let place = (try? interval.hyperparameters.double("h0")) ?? 0
                    interval.state = .done
                    interval.score = Double(index) + place * (2 - place) + 0.01 * Double(member % 7)
                    interval.checkpoint = "\(interval.id)"
                    return interval
                })
        }
        for interval in rows[indices - 1] {
            population.update(
                Population.Member(
                    id: interval.id.member, index: interval.id.index, depth: interval.depth, score: interval.score ?? 0,
                    hyperparameters: interval.hyperparameters))
        }
        let known = rows
        let history = IntervalHistory { known.indices.contains($0) ? known[$0] : [] }
        var times: [Double] = []
        var chosen = FNV(0xcbf2_9ce4_8422_2325)
        for interval in rows[indices - 1] {
            let start = processorTime()
            let decision = try experiment.decide(
                after: interval, in: population, learningFrom: history, at: Timestamp(milliseconds: 0))
            guard decision.prediction != nil else { continue }
            times.append(1000 * (processorTime() - start))
            for axis in 0..<axes {
                chosen.add(try decision.next?.hyperparameters.double("h\(axis)").bitPattern ?? 0)
            }
        }
        let others = times.dropFirst().sorted()
        guard let first = times.first, !others.isEmpty else { throw Failure("PB2 chose nothing") }
        return [
            "pb2_rows": .integer((indices - 1) * members), "first_ms": .number(first),
            "others_ms": .number(others[others.count / 2]), "choices": .integer(times.count),
            "chosen": .string(String(chosen.hash, radix: 16)),
        ]
    }

    /// A hash of everything that was chosen, to compare two versions bit for bit.
    private struct FNV {
        var hash: UInt64
        init(_ hash: UInt64) { self.hash = hash }
        mutating func add(_ bits: UInt64) {
            for byte in 0..<8 { hash = (hash ^ (bits >> (8 * UInt64(byte)) & 0xff)) &* 0x100_0000_01b3 }
        }
    }
}
