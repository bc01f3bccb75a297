// SPDX-License-Identifier: Apache-2.0

/// A maximization in the unit cube without derivatives: steps along the axes that are halved when none helps.
///
/// The places that it reaches are the starts plus multiples of powers of two, so a rounding error in the function
/// seldom changes the result.
enum CompassSearch {
    /// The number of starts that are refined.
    private static let refined = 3
    /// The most evaluations of the function for each refined start.
    private static let mostEvaluations = 40
    private static let firstStep = 0.25
    private static let lastStep = 0x1p-7
    /// The number of axes that are tried together.
    private static let together = 4

    /// Returns a place with a great value of a function.
    ///
    /// - Parameters:
    ///   - starts: The places to start from; at least one. The first of those with equal values wins.
    ///   - values: Returns the values at some places.
    /// - Returns: The best place found.
    static func maximum(from starts: [[Double]], _ values: ([[Double]]) -> [Double]) -> [Double] {
        let found = values(starts)
        let order = starts.indices.sorted { (found[$0], $1) > (found[$1], $0) }
        var best = (place: starts[order[0]], value: found[order[0]])
        for start in order.prefix(refined) {
            let end = climbed(from: starts[start], found[start], values)
            if end.value > best.value { best = end }
        }
        return best.place
    }

    private static func climbed(
        from start: [Double], _ value: Double, _ values: ([[Double]]) -> [Double]
    ) -> (place: [Double], value: Double) {
        var (place, value) = (start, value)
        var (step, axis, tried, evaluations) = (firstStep, 0, 0, 0)
        while step >= lastStep, evaluations < mostEvaluations {
            let some = min(together, start.count)
            let neighbors = (0..<some).flatMap { offset in
                Self.neighbors(of: place, along: (axis + offset) % start.count, by: step)
            }
            let found = values(neighbors)
            evaluations += neighbors.count
            axis = (axis + some) % start.count
            tried += some
            // The first of equal ones.
            let best = found.indices.reduce(0) { found[$1] > found[$0] ? $1 : $0 }
            if !found.isEmpty, found[best] > value {
                (place, value) = (neighbors[best], found[best])
                tried = 0
            } else if tried >= start.count {
                step /= 2
                tried = 0
            }
        }
        return (place, value)
    }

    private static func neighbors(of place: [Double], along axis: Int, by step: Double) -> [[Double]] {
        [step, -step].compactMap { move in
            var neighbor = place
            neighbor[axis] = min(max(place[axis] + move, 0), 1)
            return neighbor == place ? nil : neighbor
        }
    }
}
