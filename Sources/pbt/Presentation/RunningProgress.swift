// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport

/// Reads the progress within running intervals from their logs and the metrics that they report.
struct RunningProgress: Sendable {
    /// The directory with the logs; nil if this machine has none.
    let data: DataDirectory?

    /// The maximum number of logs that are read at a time: more than a terminal has lines.
    private static let mostLogs = 200
    /// The maximum number of intervals in a line of a log.
    private static let mostShown = 4

    /// Returns how far intervals are; those that have logged nothing are missing.
    ///
    /// - Parameters:
    ///   - intervals: Running intervals of the experiment.
    ///   - experiment: The experiment.
    /// - Returns: The progress by interval.
    /// - Throws: A `PBTError` with code `inputOutput` if a log cannot be read.
    func progress(of intervals: [Interval], in experiment: Experiment) throws -> [IntervalID: TrainerProgress] {
        var found: [IntervalID: TrainerProgress] = [:]
        for interval in intervals.prefix(Self.mostLogs) {
            if let reported = TrainerProgress(metrics: interval.metrics) {
                found[interval.id] = reported
            } else if let data {
                let log = data.log(of: interval.id, attempt: interval.attempts, of: experiment.name)
                let line = try LogTail.lastLine(of: log, within: 1 << 12)
                found[interval.id] = line.map { TrainerProgress(line: PlainText.line($0)) }
            }
        }
        return found
    }

    /// Returns the progress for a line of a log: ` training=3@4 "step 120 of 500", 5@4 "45%"`; empty if there is none.
    ///
    /// - Parameters:
    ///   - records: The experiments.
    ///   - store: The store.
    /// - Returns: The text.
    /// - Throws: A `PBTError`.
    func text(of records: [ExperimentRecord], in store: any Store) async throws -> String {
        var lines: [String] = []
        for record in records where !record.state.isOver && lines.count < Self.mostShown {
            let running = try await store.intervals(
                of: record.experiment.name, IntervalSelection(state: .running, limit: Self.mostShown))
            let found = try progress(of: running, in: record.experiment)
            lines += running.compactMap { interval in
                found[interval.id].map { "\(interval.id) \(Value.string(String($0.text.prefix(60))).json)" }
            }
        }
        return lines.isEmpty ? "" : " training=" + lines.prefix(Self.mostShown).joined(separator: ", ")
    }
}
