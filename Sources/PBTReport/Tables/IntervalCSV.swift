// SPDX-License-Identifier: Apache-2.0

public import PBT

/// Intervals as comma-separated values (RFC 4180): one row per interval, numbers with full precision, and no text that
/// a spreadsheet interprets as a formula.
///
/// Rows are formatted one at a time, so a large experiment can be written without holding all of it as text.
public struct IntervalCSV: Sendable {
    private let metrics: [String]
    private let hyperparameters: [String]

    /// Creates the table of these intervals; their metrics and hyperparameters become columns.
    ///
    /// - Parameters:
    ///   - intervals: The intervals.
    ///   - space: The search space, whose order the hyperparameters have; by name without one.
    public init(_ intervals: [Interval], space: SearchSpace = [:]) {
        var metrics: Set<String> = []
        var hyperparameters: Set<String> = []
        for interval in intervals {
            metrics.formUnion(interval.metrics.keys)
            hyperparameters.formUnion(interval.hyperparameters.values.keys)
        }
        self.metrics = metrics.sorted()
        self.hyperparameters = space.ordered(hyperparameters)
    }

    /// The header line with the names of the columns.
    ///
    /// `id` is that of a job of Schedy's protocol, or else `MEMBER@INTERVAL`. Metrics and hyperparameters are named
    /// `metrics.NAME` and `hyperparameters.NAME`, as in JSON.
    public var header: String {
        let fixed = [
            "member", "interval", "parent_member", "parent_interval", "exploited", "depth", "state", "score",
            "attempts", "failures", "created", "started", "finished", "sequence", "worker", "checkpoint", "reason",
            "id",
        ]
        let names = fixed + metrics.map { "metrics.\($0)" } + hyperparameters.map { "hyperparameters.\($0)" }
        return CSV.line(names.map { .text($0) })
    }

    /// Returns one interval as a line.
    public func row(_ interval: Interval) -> String {
        let plain = [
            "\(interval.id.member)", "\(interval.id.index)", interval.parent.map { "\($0.member)" },
            interval.parent.map { "\($0.index)" }, interval.isExploit ? "true" : "false", "\(interval.depth)",
            interval.state.rawValue, interval.score?.description, "\(interval.attempts)", "\(interval.failures)",
            Self.time(interval.created), interval.started.map { Self.time($0) },
            interval.finished.map { Self.time($0) }, interval.sequence?.description,
        ]
        var cells: [CSV.Cell] = plain.map { .plain($0 ?? "") }
        cells += [interval.worker, interval.checkpoint, interval.reason, interval.jobID].map { .text($0 ?? "") }
        cells += metrics.map { CSV.Cell(interval.metrics[$0]) }
        cells += hyperparameters.map { CSV.Cell(interval.hyperparameters[$0]) }
        return CSV.line(cells)
    }

    /// Returns the header and a row for each interval.
    public func text(_ intervals: [Interval]) -> String {
        intervals.reduce(into: header) { $0 += row($1) }
    }

    /// Returns a time as ISO 8601 in UTC to the millisecond.
    package static func time(_ time: Timestamp) -> String {
        let fraction = ((time.milliseconds % 1000) + 1000) % 1000
        let digits = String(fraction)
        return "\(time.description.dropLast()).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
    }
}
