// SPDX-License-Identifier: Apache-2.0

import PBT

/// A hyperparameter that takes more than one value, and its representation in charts.
struct Varying: Sendable {
    let name: String
    let isLogarithmic: Bool
    /// The range, if the hyperparameter has two bounds.
    let bounds: ClosedRange<Double>?
    /// The values of a categorical hyperparameter, in the order of its definition; none for a numeric one.
    let categories: [Value]?
    /// The plotted number of each interval: the value, or the index of the category; NaN where there is none.
    let numbers: [Double]
    /// The plotted number of each interval of the baseline.
    let baselineNumbers: [Double]

    /// The values of choices on a logarithmic scale, which are its ticks; none for other hyperparameters.
    var steps: [Double]?

    /// The ratio of the greatest to the least value from which the values of choices span decades.
    private static let decades = 100.0

    /// The hyperparameter on a logarithmic scale, if it chooses among positive numbers that span decades; else itself.
    var spread: Varying {
        guard let categories else { return self }
        let values = categories.compactMap { value in value.double.flatMap { $0.isFinite && $0 > 0 ? $0 : nil } }
        guard values.count == categories.count, let least = values.min(), let greatest = values.max(),
            greatest / least >= Self.decades
        else { return self }
        func number(_ place: Double) -> Double { place.isNaN ? .nan : values[Int(saturating: place)] }
        return Varying(
            name: name, isLogarithmic: true, bounds: least...greatest, categories: nil, numbers: numbers.map(number),
            baselineNumbers: baselineNumbers.map(number), steps: values.sorted())
    }

    /// The name for a label.
    var label: String {
        XML.name(name) + (isLogarithmic ? " (log)" : "")
    }

    /// Returns the index of an interval's category.
    func category(at place: Int) -> Int? {
        numbers[place].isNaN ? nil : Int(saturating: numbers[place])
    }

    /// Returns whether the hyperparameter's scale can show a number.
    func isDrawn(_ number: Double) -> Bool {
        number.isFinite && (!isLogarithmic || number > 0)
    }

    /// Returns the hyperparameters that take more than one value, in the order of the space.
    static func all(_ intervals: [Interval], baseline: [Interval]?, in space: SearchSpace) -> [Varying] {
        let table = HyperparameterTable(intervals)
        let columns = table.columns.filter { $0.value.values.count > 1 }
        let varying = space.ordered(columns.keys).compactMap { name in columns[name].map { (name, $0) } }
        guard !varying.isEmpty else { return [] }
        let baselineTable = HyperparameterTable(baseline ?? [])
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
                baselineNumbers: baselineTable.columns[name]?.expanded(to: baselineTable.count, missing: .nan, number)
                    ?? [Double](repeating: .nan, count: baselineTable.count))
        }
    }

    private static func isChoice(_ dimension: Dimension?) -> Bool {
        if case .choice = dimension?.domain { true } else { false }
    }

    private static func categories(of column: HyperparameterTable.Column, _ dimension: Dimension?) -> [Value] {
        if case .choice(let choice) = dimension?.domain { return choice.values }
        return column.values.sorted { $0.json < $1.json }
    }

    /// Returns a key that is equal for equal values, such as `1` and `1.0`.
    private static func key(_ value: Value) -> Value {
        value.double.map { .number($0) } ?? value
    }
}

extension Varying {
    /// Creates the axis of a metric; nil if no interval reported a number for it.
    init?(metric name: String, _ intervals: [Interval], _ baseline: [Interval]?) {
        func numbers(_ intervals: [Interval]) -> [Double] {
            intervals.map { interval in
                guard let number = interval.metrics[name]?.double, number.isFinite else { return .nan }
                return number
            }
        }
        let own = numbers(intervals)
        guard own.contains(where: { !$0.isNaN }) else { return nil }
        self.init(
            name: name, isLogarithmic: false, bounds: nil, categories: nil, numbers: own,
            baselineNumbers: numbers(baseline ?? []))
    }
}
