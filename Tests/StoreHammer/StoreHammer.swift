// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite

/// Claims and finishes intervals of one experiment as fast as the store goes, until the experiment is over.
///
/// Run several at once on one file: `StoreHammer FILE EXPERIMENT`. With `POPULATION INTERVALS` after these it creates
/// the experiment first. Prints one JSON line: how many intervals this process trained, in how many microseconds, and
/// the longest that one call took.
@main
struct StoreHammer {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 || arguments.count == 5 else {
            print("usage: StoreHammer FILE EXPERIMENT [POPULATION INTERVALS]")
            return
        }
        let store = try SQLiteStore(path: arguments[1], mustExist: arguments.count == 3)
        if arguments.count == 5, let population = Int(arguments[3]), let intervals = Int(arguments[4]) {
            _ = try await store.create(
                Experiment(
                    arguments[2], objective: .maximize("score"), population: population, intervals: intervals, seed: 1,
                    space: ["x": .uniform(0...1), "y": .uniform(0...1)]))
        }
        let clock = ContinuousClock()
        let start = clock.now
        var trained = 0
        var longest = Duration.zero
        loop: while true {
            let began = clock.now
            switch try await store.claim(from: arguments[2], by: "hammer", for: .seconds(600)) {
            case .over: break loop
            case .nothingNow:
                try await store.waitForEvents(after: try await store.lastEvent(), for: .milliseconds(20))
            case .assignment(let assignment):
                longest = max(longest, clock.now - began)
                let interval = assignment.interval
                let score = interval.hyperparameters["x"]?.double ?? 0
                let again = clock.now
                _ = try await store.finish(
                    assignment.lease,
                    .trained(
                        score: score, metrics: ["score": .number(score)],
                        checkpoint: "\(assignment.lease.checkpointName)"))
                longest = max(longest, clock.now - again)
                trained += 1
            }
        }
        print(
            Value.object([
                "trained": .integer(trained), "us": .integer(microseconds(clock.now - start)),
                "longest_us": .integer(microseconds(longest)),
            ]))
    }

    static func microseconds(_ duration: Duration) -> Int {
        Int(duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000)
    }
}
