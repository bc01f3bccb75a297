// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite

/// Claims and finishes intervals of one experiment as fast as the store goes, until the experiment is over.
///
/// Run several at once on one file: `StoreHammer FILE EXPERIMENT`. Prints one JSON line: how many intervals this
/// process trained, and the longest that one call took.
@main
struct StoreHammer {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            print("usage: StoreHammer FILE EXPERIMENT")
            return
        }
        let store = try SQLiteStore(path: arguments[1], mustExist: true)
        let clock = ContinuousClock()
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
                    .trained(score: score, metrics: ["score": .number(score)], checkpoint: "\(interval.id)"))
                longest = max(longest, clock.now - again)
                trained += 1
            }
        }
        let microseconds = longest.components.seconds * 1_000_000 + longest.components.attoseconds / 1_000_000_000_000
        print(Value.object(["trained": .integer(trained), "longest_us": .integer(Int(microseconds))]))
    }
}
