// SPDX-License-Identifier: Apache-2.0

import PBT

/// The hyperparameters of many intervals as columns.
///
/// A value often holds for many consecutive intervals, so a column is run-length encoded. This also bounds the cost of
/// names that only a few intervals have.
struct HyperparameterTable: Sendable {
    /// One hyperparameter.
    struct Column: Sendable {
        /// All values that it takes, in order of first occurrence.
        fileprivate(set) var values: [Value] = []
        /// The start of each run, and the index of its value; none where intervals do not have the hyperparameter.
        fileprivate var stretches: [(start: Int, value: Int?)] = []
        fileprivate var numbers: [Value: Int] = [:]
        fileprivate var lastSeen = -1

        fileprivate mutating func add(_ value: Value, at place: Int) {
            lastSeen = place
            if let last = stretches.last?.value, values[last] == value { return }
            let number = numbers[value] ?? values.count
            if number == values.count {
                values.append(value)
                numbers[value] = number
            }
            stretches.append((place, number))
        }

        /// Returns one cell per interval.
        ///
        /// - Parameters:
        ///   - count: The number of intervals.
        ///   - missing: The cell of intervals without the hyperparameter.
        ///   - each: Returns the cell of a value.
        /// - Returns: `count` cells.
        func expanded<Cell>(to count: Int, missing: Cell, _ each: (Value) -> Cell) -> [Cell] {
            let cells = values.map(each)
            var result = [Cell](repeating: missing, count: count)
            for (number, stretch) in stretches.enumerated() {
                guard let value = stretch.value else { continue }
                let end = number + 1 < stretches.count ? stretches[number + 1].start : count
                for place in stretch.start..<end { result[place] = cells[value] }
            }
            return result
        }
    }

    /// The number of intervals.
    let count: Int
    /// The columns, by name.
    let columns: [String: Column]

    init(_ intervals: [Interval]) {
        count = intervals.count
        var numbers: [String: Int] = [:]
        var columns: [Column] = []
        var present: [Int] = []
        for place in intervals.indices {
            let hyperparameters = intervals[place].hyperparameters
            // Most intervals continue with the hyperparameters of the one before, in the same storage: `==` is O(1) then.
            if place > 0, hyperparameters == intervals[place - 1].hyperparameters { continue }
            var now: [Int] = []
            now.reserveCapacity(hyperparameters.values.count)
            for (name, value) in hyperparameters.values {
                let number = numbers[name] ?? columns.count
                if number == columns.count {
                    numbers[name] = number
                    columns.append(Column())
                }
                columns[number].add(value, at: place)
                now.append(number)
            }
            for number in present where columns[number].lastSeen != place {
                columns[number].stretches.append((place, nil))
            }
            present = now
        }
        self.columns = numbers.mapValues { columns[$0] }
    }
}
