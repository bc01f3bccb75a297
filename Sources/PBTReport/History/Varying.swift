// SPDX-License-Identifier: Apache-2.0

import PBT

/// A hyperparameter that is not the same everywhere, and how it is drawn.
struct Varying: Sendable {
    let name: String
    let isLogarithmic: Bool
    /// The least and greatest number it may be, if it has two bounds.
    let bounds: ClosedRange<Double>?
    /// The values that it takes, when it is not drawn on a scale; in the order of its definition.
    let categories: [Value]?
    /// What is drawn for each interval: the number, or the place of its value among the categories; not a number where
    /// there is none.
    let numbers: [Double]
    /// The same for the intervals of the baseline.
    let baselineNumbers: [Double]

    /// The name as part of a label.
    var label: String {
        XML.name(name) + (isLogarithmic ? " (log)" : "")
    }

    /// The place of an interval's value among the categories.
    func category(at place: Int) -> Int? {
        numbers[place].isNaN ? nil : Int(saturating: numbers[place])
    }

    /// Whether a number has a place on the hyperparameter's scale.
    func isDrawn(_ number: Double) -> Bool {
        number.isFinite && (!isLogarithmic || number > 0)
    }

    /// The hyperparameters that take more than one value, by name.
    static func all(_ intervals: [Interval], baseline: [Interval]?, in space: SearchSpace) -> [Varying] {
        let table = HyperparameterTable(intervals)
        let varying = table.columns.filter { $0.value.values.count > 1 }.sorted { $0.key < $1.key }
        guard !varying.isEmpty else { return [] }
        let beside = HyperparameterTable(baseline ?? [])
        return varying.map { name, column in
            let dimension = space[name]
            let isNumeric = !isChoice(dimension) && column.values.allSatisfy { $0.double != nil }
            let categories = isNumeric ? nil : categories(of: column, dimension)
            let places = Dictionary((categories ?? []).enumerated().map { (key($1), Double($0)) }) { first, _ in first }
            func number(_ value: Value) -> Double {
                isNumeric ? value.double ?? .nan : places[key(value)] ?? .nan
            }
            return Varying(
                name: name, isLogarithmic: isNumeric && dimension?.isLogarithmic ?? false,
                bounds: isNumeric ? dimension?.numericBounds : nil, categories: categories,
                numbers: column.expanded(to: table.count, missing: .nan, number),
                baselineNumbers: beside.columns[name]?.expanded(to: beside.count, missing: .nan, number)
                    ?? [Double](repeating: .nan, count: beside.count))
        }
    }

    private static func isChoice(_ dimension: Dimension?) -> Bool {
        if case .choice = dimension?.domain { true } else { false }
    }

    private static func categories(of column: HyperparameterTable.Column, _ dimension: Dimension?) -> [Value] {
        if case .choice(let choice) = dimension?.domain { return choice.values }
        return column.values.sorted { $0.json < $1.json }
    }

    /// The same for values that are the same, such as `1` and `1.0`.
    private static func key(_ value: Value) -> Value {
        value.double.map { .number($0) } ?? value
    }
}
