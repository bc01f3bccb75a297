// SPDX-License-Identifier: Apache-2.0

import PBT
import SQLiteLimit
import SystemPackage

/// The store beside bare SQLite, which does in C the very statements that the store does, in turns in one process.
///
/// First the store's statements are recorded with the values bound to them. Then a second store does the same work
/// again, unrecorded, and C runs what was recorded on a file of its own: a block of intervals each, and again, so that
/// whatever else the machine does falls on both alike.
enum Limit {
    static func measure(_ arguments: Arguments, in directory: FilePath) async throws -> [String: Value] {
        let population = try arguments.integer("population") ?? 256
        let intervals = try arguments.integer("intervals") ?? 20
        let block = try arguments.integer("block") ?? 128
        let files = ["recorded", "bare", "store"].map { directory.appending("\($0).sqlite") }

        limit_watch()
        try await {
            let loop = try await StoreLoop(files[0], population: population, intervals: intervals)
            limit_record()
            _ = try await loop.run(population * intervals)
        }()
        limit_record_end()
        // The file that C works on, as it is before the first claim.
        try await { _ = try await StoreLoop(files[1], population: population, intervals: intervals) }()
        let loop = try await StoreLoop(files[2], population: population, intervals: intervals)
        try check(limit_open(files[1].string))

        var walls: [Double] = []
        var processors: [Double] = []
        var (bare, ours) = (Usage(wall: 0, processor: 0), Usage(wall: 0, processor: 0))
        var steps = 0
        while true {
            let start = Usage.now()
            let transactions = limit_run(2 * block)
            try check(transactions < 0 ? -1 : 0)
            let middle = Usage.now()
            let count = try await loop.run(block)
            let end = Usage.now()
            guard transactions == 2 * count else { throw Failure("\(transactions) transactions, \(count) intervals") }
            guard count == block else { break }
            steps += count
            let (one, other) = (middle.since(start), end.since(middle))
            walls.append(one.wall / other.wall)
            processors.append(one.processor / other.processor)
            bare = Usage(wall: bare.wall + one.wall, processor: bare.processor + one.processor)
            ours = Usage(wall: ours.wall + other.wall, processor: ours.processor + other.processor)
        }
        try check(limit_close())
        try expectSame(files[1], files[2])
        let count = Double(steps)
        return [
            "steps": .integer(steps), "blocks": .integer(walls.count),
            "statements_per_step": (Double(limit_statements()) / count).rounded4,
            "rate_ratio": walls.median.rounded4, "rate_ratio_min": (walls.min() ?? .nan).rounded4,
            "rate_ratio_max": (walls.max() ?? .nan).rounded4, "cpu_ratio": processors.median.rounded4,
            "bare_ms": (1000 * bare.wall / count).rounded4, "bare_cpu_ms": (1000 * bare.processor / count).rounded4,
            "ours_ms": (1000 * ours.wall / count).rounded4, "ours_cpu_ms": (1000 * ours.processor / count).rounded4,
        ]
    }

    /// Both files must hold the same search, or the comparison is worth nothing.
    private static func expectSame(_ a: FilePath, _ b: FilePath) throws {
        let digests = try [a, b].map { path in
            var buffer = [CChar](repeating: 0, count: 1024)
            try check(limit_digest(path.string, &buffer, 1024))
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard digests[0] == digests[1] else { throw Failure("the files differ: \(digests[0]) and \(digests[1])") }
    }

    private static func check(_ code: Int32) throws {
        guard code == 0 else { throw Failure(String(cString: limit_error())) }
    }
}
