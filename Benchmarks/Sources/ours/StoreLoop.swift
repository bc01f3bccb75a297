// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import SystemPackage

/// Claims and finishes intervals as fast as the store goes, with nothing trained in between.
struct StoreLoop {
    static let name = "loop"
    let store: SQLiteStore

    /// A store in a new file with one experiment.
    init(_ file: FilePath, population: Int, intervals: Int) async throws {
        store = try SQLiteStore(path: file.string)
        _ = try await store.create(
            Experiment(
                Self.name, objective: .maximize("score"), population: population, intervals: intervals, seed: 1,
                space: ["h0": .uniform(0...1), "h1": .uniform(0...1)], explore: .perturb(resampling: 0.25)))
    }

    /// Claims and finishes so many intervals.
    ///
    /// - Returns: How many there were; fewer when the experiment is over.
    func run(_ count: Int) async throws -> Int {
        for done in 0..<count {
            guard
                case .assignment(let assignment) = try await store.claim(
                    from: Self.name, by: "loop", for: .seconds(600))
            else { return done }
            let interval = assignment.interval
            let score = try interval.hyperparameters.double("h0") + Double(interval.id.index)
            _ = try await store.finish(
                assignment.lease,
                .trained(
                    score: score, metrics: ["score": .number(score)],
                    checkpoint: "\(assignment.lease.checkpointName)"))
        }
        return count
    }

    /// Claims and finishes for so long, by many tasks at once: what a server could reach that cost nothing.
    static func measureAtOnce(_ arguments: Arguments, in directory: FilePath) async throws -> [String: Value] {
        let (population, tasks) = (try arguments.integer("population") ?? 256, try arguments.integer("tasks") ?? 64)
        let seconds = try arguments.integer("seconds") ?? 10
        let loop = try await StoreLoop(directory.appending("pbt.sqlite"), population: population, intervals: 1_000_000)
        let start = Usage.now()
        let end = ContinuousClock.now.advanced(by: .seconds(seconds))
        let pairs = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<tasks {
                group.addTask {
                    var done = 0
                    while ContinuousClock.now < end { done += try await loop.run(1) }
                    return done
                }
            }
            return try await group.reduce(0, +)
        }
        let used = Usage.now().since(start)
        return [
            "population": .integer(population), "tasks": .integer(tasks), "pairs": .integer(pairs),
            "pairs_a_second": (Double(pairs) / used.wall).rounded4,
            "cpu_ms_per_step": (1000 * used.processor / Double(pairs)).rounded4,
        ]
    }

    /// The cost of an interval by the number of members.
    static func measure(_ arguments: Arguments, in directory: FilePath) async throws -> [String: Value] {
        let population = try arguments.integer("population") ?? 100
        let intervals = try arguments.integer("intervals") ?? max(2, 20_000 / population)
        let start = Usage.now()
        let loop = try await StoreLoop(directory.appending("pbt.sqlite"), population: population, intervals: intervals)
        let created = Usage.now()
        let steps = try await loop.run(population * intervals)
        let used = Usage.now().since(created)
        guard steps == population * intervals else { throw Failure("only \(steps) intervals were handed out") }
        return [
            "population": .integer(population), "steps": .integer(steps),
            "create_s": created.since(start).wall.rounded4, "run_s": used.wall.rounded4,
            "ms_per_step": (1000 * used.wall / Double(steps)).rounded4,
            "cpu_ms_per_step": (1000 * used.processor / Double(steps)).rounded4,
            "peak_mib": try Usage.peakMemory().rounded4,
        ]
    }
}
