// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The hyperparameters along a lineage, in all output formats.
struct ScheduleText {
    private let lineage: [Interval]
    private let space: SearchSpace

    /// Creates the schedule of a lineage, from founder to tip.
    ///
    /// - Parameters:
    ///   - lineage: The intervals.
    ///   - space: The space that orders the columns.
    init(_ lineage: [Interval], of space: SearchSpace) {
        self.lineage = lineage
        self.space = space
    }

    /// A list of `{interval, hyperparameters}`; `interval` is the position along the lineage, from 0.
    var value: Value {
        .array(
            lineage.enumerated().map { place, interval in
                ["interval": .integer(place), "hyperparameters": interval.hyperparameters.value]
            })
    }

    /// The stretches of the lineage with the same values.
    private var stretches: [Range<Int>] {
        var stretches: [Range<Int>] = []
        for place in lineage.indices {
            if let last = stretches.last, lineage[last.lowerBound].hyperparameters == lineage[place].hyperparameters {
                stretches[stretches.count - 1] = last.lowerBound..<place + 1
            } else {
                stretches.append(place..<place + 1)
            }
        }
        return stretches
    }

    private var columns: HyperparameterColumns {
        HyperparameterColumns(stretches.map { lineage[$0.lowerBound].hyperparameters }, of: space)
    }

    /// The hyperparameters that never change, as text.
    var constants: String {
        columns.constants
    }

    /// A table with a row for each stretch with the same values, and the operation that started it.
    var table: TextTable {
        let (stretches, columns) = (stretches, columns)
        var table = TextTable([.init("INTERVALS", .right)] + columns.columns(rank: 1) + [.init("", rank: .max)])
        for (row, stretch) in stretches.enumerated() {
            table.append(
                [Self.range(stretch.lowerBound, stretch.upperBound - 1)] + columns.cells[row]
                    + [Self.origin(of: lineage[stretch.lowerBound], naming: columns.names.count > 1)])
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
        guard !lineage.isEmpty else { return "[]\n" }
        return lineage.enumerated().map { place, interval in
            "- {interval: \(place), hyperparameters: \(interval.hyperparameters.value.flowYAML)}\n"
        }.joined()
    }

    /// Comma-separated values: `interval` and a column for each hyperparameter.
    var csv: String {
        let names = space.ordered(Set(lineage.flatMap(\.hyperparameters.names)))
        var text = CSV.line((["interval"] + names).map { .text($0) })
        for (place, interval) in lineage.enumerated() {
            text += CSV.line([.plain("\(place)")] + names.map { CSV.Cell(interval.hyperparameters[$0]) })
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
