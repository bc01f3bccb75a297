// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The hyperparameters along a lineage, or of a smoothed or stretched schedule, in all output formats.
struct ScheduleText {
    private let intervals: [Hyperparameters]
    /// The intervals of the lineage; empty for a schedule that is not that of a lineage.
    private let lineage: [Interval]
    private let space: SearchSpace

    /// Creates the schedule of a lineage, from founder to tip.
    ///
    /// - Parameters:
    ///   - lineage: The intervals.
    ///   - space: The space that orders the columns.
    init(_ lineage: [Interval], of space: SearchSpace) {
        self.lineage = lineage
        intervals = lineage.map(\.hyperparameters)
        self.space = space
    }

    /// Creates the schedule of a training.
    ///
    /// - Parameters:
    ///   - intervals: The hyperparameters of each interval.
    ///   - space: The space that orders the columns.
    init(_ intervals: [Hyperparameters], of space: SearchSpace) {
        lineage = []
        self.intervals = intervals
        self.space = space
    }

    /// A list of `{interval, hyperparameters}`; `interval` is the position along the lineage, from 0.
    var value: Value {
        .array(
            intervals.enumerated().map { place, interval in
                ["interval": .integer(place), "hyperparameters": interval.value]
            })
    }

    /// The stretches of intervals with the same values.
    private var stretches: [Range<Int>] {
        var stretches: [Range<Int>] = []
        for place in intervals.indices {
            if let last = stretches.last, intervals[last.lowerBound] == intervals[place] {
                stretches[stretches.count - 1] = last.lowerBound..<place + 1
            } else {
                stretches.append(place..<place + 1)
            }
        }
        return stretches
    }

    private var columns: HyperparameterColumns {
        HyperparameterColumns(stretches.map { intervals[$0.lowerBound] }, of: space)
    }

    /// The hyperparameters that never change, as text.
    var constants: String {
        columns.constants
    }

    /// A table with a row for each stretch with the same values, and the operation that started it along a lineage.
    var table: TextTable {
        let (stretches, columns) = (stretches, columns)
        var table = TextTable(
            [.init("INTERVALS", .right)] + columns.columns(rank: 1) + (lineage.isEmpty ? [] : [.init("", rank: .max)]))
        for (row, stretch) in stretches.enumerated() {
            table.append(
                [Self.range(stretch.lowerBound, stretch.upperBound - 1)] + columns.cells[row]
                    + (lineage.isEmpty
                        ? [] : [Self.origin(of: lineage[stretch.lowerBound], naming: columns.names.count > 1)]))
        }
        return table
    }

    /// Returns the operations that led to an interval's hyperparameters: `momentum ×1.25  rate ×0.8`, or `founder`.
    private static func origin(of interval: Interval, naming isNamed: Bool) -> String {
        guard interval.parent != nil else { return interval.id.index == 0 ? "founder" : "restarted" }
        return interval.changes.filter { $0.old != $0.new }.map { change in
            let operation = Words.plain(change.label)
            return PlainText.line(isNamed ? "\(change.name) \(operation)" : operation)
        }.joined(separator: "  ")
    }

    /// YAML with the same structure as ``value``, each interval on one line.
    var yaml: String {
        guard !intervals.isEmpty else { return "[]\n" }
        return intervals.enumerated().map { place, interval in
            "- {interval: \(place), hyperparameters: \(interval.value.flowYAML)}\n"
        }.joined()
    }

    /// Comma-separated values: `interval` and a column for each hyperparameter.
    var csv: String {
        let names = space.ordered(Set(intervals.flatMap(\.names)))
        var text = CSV.line((["interval"] + names).map { .text($0) })
        for (place, interval) in intervals.enumerated() {
            text += CSV.line([.plain("\(place)")] + names.map { CSV.Cell(interval[$0]) })
        }
        return text
    }

    /// `3`, or `3-7`.
    static func range(_ first: Int, _ last: Int) -> String {
        first == last ? "\(first)" : "\(first)-\(last)"
    }
}

extension Value {
    /// The value as YAML on one line, with exact numbers.
    ///
    /// This is JSON except for numbers with an exponent: YAML 1.1 requires a dot and a sign in them.
    var flowYAML: String {
        switch self {
        case .number(let number):
            let text = json
            guard number.isFinite, let e = text.firstIndex(of: "e") else { return text }
            let mantissa = text[..<e]
            return (mantissa.contains(".") ? "" : "\(mantissa).0")
                + (mantissa.contains(".") ? text : String(text[e...]))
        case .array(let array): return "[\(array.map(\.flowYAML).joined(separator: ", "))]"
        case .object(let object):
            let members = object.sorted { $0.key < $1.key }
            return "{\(members.map { "\(Value.string($0.key).json): \($0.value.flowYAML)" }.joined(separator: ", "))}"
        default: return json
        }
    }
}
