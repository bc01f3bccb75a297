// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTSQLite
import PBTTesting
import Testing

@Suite struct HammerTests {
    @Test func `eight processes on one file train every interval once, and each gets its turn`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/store.sqlite"
            let store = try SQLiteStore(path: path)
            let experiment = Experiment(
                "hammer", objective: .maximize("score"), population: 40, intervals: 30, seed: 1,
                space: ["x": .uniform(0...1)])
            _ = try await store.create(experiment)

            let processes = try (0..<8).map { _ in try Hammer(path: path, experiment: "hammer") }
            let reports = try processes.map { try $0.finish() }

            let intervals = try await store.intervals(of: "hammer")
            #expect(intervals.count == 1200)
            #expect(intervals.allSatisfy { $0.state == .done && $0.attempts == 1 && $0.failures == 0 })
            #expect(reports.map(\.trained).reduce(0, +) == 1200)
            // Fair: nobody starves. A share of a fifth of the average leaves room for a process that started late.
            #expect(reports.allSatisfy { $0.trained >= 30 }, "\(reports)")
            #expect(reports.allSatisfy { $0.errors.isEmpty }, "\(reports)")
            #expect(try await store.record(of: "hammer").state == .finished)
        }
    }
}

/// One process that claims and finishes as fast as it can.
private struct Hammer {
    struct Report {
        var trained: Int
        var errors: String
    }

    private let process = Process()
    private let output = Pipe()
    private let errors = Pipe()

    init(path: String, experiment: String) throws {
        process.executableURL = Self.products.appending(path: "StoreHammer")
        process.arguments = [path, experiment]
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    func finish() throws -> Report {
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let problems = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let trained = try Value(json: text)["trained"]?.int ?? 0
        return Report(
            trained: trained,
            errors: process.terminationStatus == 0 ? problems : "\(problems) exit \(process.terminationStatus)")
    }

    /// The directory of the built executables: that of the test bundle.
    private static var products: URL {
        #if os(macOS)
            for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
                return bundle.bundleURL.deletingLastPathComponent()
            }
            return Bundle.main.bundleURL
        #else
            return Bundle.main.bundleURL
        #endif
    }
}
