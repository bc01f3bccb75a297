// SPDX-License-Identifier: Apache-2.0

import PBT

/// A hyperparameter that is not the same everywhere, and how it is drawn.
struct Varying {
    let name: String
    let isLogarithmic: Bool
    /// The least and greatest number it may be, if it has two bounds.
    let bounds: ClosedRange<Double>?
    /// The values that it takes, when it is not drawn on a scale; in the order of its definition.
    let categories: [Value]?

    /// The name as part of a label.
    var label: String {
        XML.name(name) + (isLogarithmic ? " (log)" : "")
    }

    /// The place of a value among the categories.
    func category(of value: Value?) -> Int? {
        value.flatMap { value in categories?.firstIndex { $0.isSame(as: value) } }
    }

    /// The hyperparameters that take more than one value, by name.
    static func all(of history: History) -> [Varying] {
        let space = history.record.experiment.space
        let intervals = history.genealogy.intervals
        var names = Set(space.names)
        for interval in intervals where !interval.hyperparameters.values.isEmpty {
            names.formUnion(interval.hyperparameters.values.keys)
        }
        return names.sorted().compactMap { name in
            var first: Value?
            var isVarying = false
            var isNumeric = true
            for interval in intervals {
                guard let value = interval.hyperparameters[name] else { continue }
                if value.double == nil { isNumeric = false }
                if let first { isVarying = isVarying || value != first } else { first = value }
                if isVarying, !isNumeric { break }
            }
            guard isVarying else { return nil }
            let dimension = space[name]
            if isNumeric, !isChoice(dimension) {
                return Varying(
                    name: name, isLogarithmic: dimension?.isLogarithmic ?? false, bounds: dimension?.numericBounds,
                    categories: nil)
            }
            return Varying(
                name: name, isLogarithmic: false, bounds: nil,
                categories: categories(of: name, dimension, in: intervals))
        }
    }

    private static func isChoice(_ dimension: Dimension?) -> Bool {
        if case .choice = dimension?.domain { true } else { false }
    }

    private static func categories(of name: String, _ dimension: Dimension?, in intervals: [Interval]) -> [Value] {
        if case .choice(let choice) = dimension?.domain { return choice.values }
        let taken = Set(intervals.compactMap { $0.hyperparameters[name] })
        return taken.sorted { $0.json < $1.json }
    }
}
