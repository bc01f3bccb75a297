// SPDX-License-Identifier: Apache-2.0

public import PBT

/// Intervals as comma-separated values (RFC 4180): one row an interval, every number to the last bit.
///
/// Rows are made one at a time, so a large experiment can be written without being held as text.
public struct IntervalCSV: Sendable {
    private let metrics: [String]
    private let hyperparameters: [String]

    /// The table of these intervals; their metrics and hyperparameters become columns.
    public init(_ intervals: [Interval]) {
        var metrics: Set<String> = []
        var hyperparameters: Set<String> = []
        for interval in intervals {
            metrics.formUnion(interval.metrics.keys)
            hyperparameters.formUnion(interval.hyperparameters.values.keys)
        }
        self.metrics = metrics.sorted()
        self.hyperparameters = hyperparameters.sorted()
    }

    /// The names of the columns, as the first line.
    ///
    /// Metrics and hyperparameters are named `metrics.NAME` and `hyperparameters.NAME`, as in JSON.
    public var header: String {
        let fixed = [
            "member", "interval", "parent_member", "parent_interval", "exploited", "depth", "state", "score",
            "attempts", "failures", "created", "started", "finished", "sequence", "worker", "checkpoint", "reason",
        ]
        return Self.line(
            fixed + metrics.map { "metrics.\($0)" } + hyperparameters.map { "hyperparameters.\($0)" })
    }

    /// One interval as a line.
    public func row(_ interval: Interval) -> String {
        var cells = ["\(interval.id.member)", "\(interval.id.index)"]
        cells.append(interval.parent.map { "\($0.member)" } ?? "")
        cells.append(interval.parent.map { "\($0.index)" } ?? "")
        cells.append(interval.isExploit ? "true" : "false")
        cells.append("\(interval.depth)")
        cells.append(interval.state.rawValue)
        cells.append(interval.score?.description ?? "")
        cells.append("\(interval.attempts)")
        cells.append("\(interval.failures)")
        cells.append(Self.time(interval.created))
        cells.append(interval.started.map { Self.time($0) } ?? "")
        cells.append(interval.finished.map { Self.time($0) } ?? "")
        cells.append(interval.sequence?.description ?? "")
        cells.append(interval.worker ?? "")
        cells.append(interval.checkpoint ?? "")
        cells.append(interval.reason ?? "")
        cells += metrics.map { Self.cell(interval.metrics[$0]) }
        cells += hyperparameters.map { Self.cell(interval.hyperparameters[$0]) }
        return Self.line(cells)
    }

    /// The header and a row for each interval.
    public func text(_ intervals: [Interval]) -> String {
        intervals.reduce(into: header) { $0 += row($1) }
    }

    /// Numbers and truth values as JSON writes them, NaN and infinity by name, text as it is, lists and objects as JSON.
    package static func cell(_ value: Value?) -> String {
        switch value {
        case nil, .null: ""
        case .number(let number): number.description
        case .string(let string): string
        case .some(let other): other.json
        }
    }

    /// ISO 8601 in UTC to the millisecond.
    package static func time(_ time: Timestamp) -> String {
        let fraction = ((time.milliseconds % 1000) + 1000) % 1000
        let digits = String(fraction)
        return "\(time.description.dropLast()).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
    }

    /// Cells as one line, those quoted that must be.
    package static func line(_ cells: [String]) -> String {
        cells.map { quoted($0) }.joined(separator: ",") + "\r\n"
    }

    private static func quoted(_ cell: String) -> String {
        let needsQuotes =
            cell.utf8.contains { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }
            || cell.utf8.first == 0x20 || cell.utf8.last == 0x20
        guard needsQuotes else { return cell }
        var quoted = "\""
        for scalar in cell.unicodeScalars {
            if scalar == "\"" { quoted.unicodeScalars.append("\"") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
