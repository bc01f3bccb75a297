// SPDX-License-Identifier: Apache-2.0

import PBT

/// The number of members that descend from each founder, over the course of training.
struct FounderShare {
    /// The founders' first pieces, those with the most current members first.
    let founders: Founders
    /// At each step, the newest finished interval of each member that has one: the number of intervals, and their
    /// places.
    let steps: [(index: Int, places: [Int])]
    /// The effective number of founders of the current population.
    let effective: Double

    /// The maximum number of steps; both edges of an area together are one path.
    static let mostSteps = 140

    init(_ history: History) {
        founders = Founders(history)
        effective = Founders.effective(founders.today.values)
        let columns = history.columns
        let last = columns.lastIndex
        let count = min(last + 1, Self.mostSteps)
        var steps = (0..<count).map { step in
            (index: count == last + 1 ? step : step * last / (count - 1), places: [Int]())
        }
        for (start, end) in zip(columns.starts, columns.starts.dropFirst()) {
            var place = start
            var newest: Int?
            for step in steps.indices {
                while place < end, columns.ids[place].index <= steps[step].index {
                    if columns.states[place] == .done { newest = place }
                    place += 1
                }
                if let newest { steps[step].places.append(newest) }
            }
        }
        self.steps = steps.filter { !$0.places.isEmpty }
    }

    /// Returns the number of members that descend from each founder at a step.
    func counts(_ history: History, at places: [Int]) -> [Int: Int] {
        places.reduce(into: [:]) { $0[founders.ofPiece[history.pieceOfPlace[$1]], default: 0] += 1 }
    }
}
