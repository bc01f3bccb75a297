// SPDX-License-Identifier: Apache-2.0

import PBT

/// A continuous piecewise linear function with a small squared distance from some numbers, sample i being at i + ½.
///
/// For given places of the knots, the values are those of least squares. Places are found by inserting one knot at a
/// time where it helps most, and then moving each to where it helps most, until none moves. There are at most 64
/// intervals between places that a knot can have, so that the time is linear in the number of samples.
struct PiecewiseLinearFit {
    /// The places of the knots: the number of samples before each.
    let places: [Int]
    /// The values at the knots.
    let values: [Double]

    /// The most knots that ``init(_:knots:)`` chooses by itself.
    static let mostChosen = 6
    private static let mostCells = 64
    /// The fewest cells between two knots, so that the values at all knots are determined.
    private static let fewestCells = 2

    /// Fits numbers.
    ///
    /// - Parameters:
    ///   - numbers: The samples: finite, at least two, not all equal.
    ///   - knots: The number of knots, at least 2; fewer where that would leave fewer than two samples between
    ///     neighbors. Nil for the number up to 6, and up to one in four samples, with the lowest Bayesian information
    ///     criterion: n ln(RSS / n) + (2 knots - 2) ln n, since inner knots have a place and a value.
    init(_ numbers: [Double], knots: Int?) {
        let count = numbers.count
        let cells = Cells(numbers, count: min(count, Self.mostCells))
        let most = 1 + cells.count / Self.fewestCells
        let wanted = knots.map { min(max($0, 2), most) } ?? min(Self.mostChosen, max(2, min(most, 1 + count / 4)))
        var current = cells.solution([0, cells.count])
        var best = current
        var lowest = Self.criterion(current, count)
        while current.knots.count < wanted, let next = cells.refined(current, fewest: Self.fewestCells) {
            current = next
            let criterion = Self.criterion(current, count)
            if knots != nil || criterion < lowest { (best, lowest) = (current, criterion) }
        }
        places = best.knots.map { cells.boundary($0) }
        values = best.values.map { $0 * cells.spread + cells.mean }
    }

    private static func criterion(_ solution: Solution, _ count: Int) -> Double {
        let n = Double(count)
        return n * Mathematics.log(solution.error / n) + Double(2 * solution.knots.count - 2) * Mathematics.log(n)
    }

    /// The values of least squares for knots at some cell boundaries.
    private struct Solution {
        let knots: [Int]
        let values: [Double]
        /// The sum of the squared distances, in units of the samples' range squared; never below rounding errors.
        let error: Double
    }

    /// Sums over the samples between neighboring places that a knot can have, accumulated from the first.
    ///
    /// Times are from 0 to 1; samples are relative to their mean, in units of their range.
    private struct Cells {
        private struct Sums {
            var n = 0.0
            var x = 0.0
            var xx = 0.0
            var y = 0.0
            var xy = 0.0
        }

        let count: Int
        let mean: Double
        let spread: Double
        private let samples: Int
        private var sums: [Sums]
        private var yy = 0.0

        init(_ numbers: [Double], count: Int) {
            self.count = count
            samples = numbers.count
            let first = numbers.first ?? 0
            mean = first + numbers.reduce(0) { $0 + ($1 - first) / Double(numbers.count) }
            spread = (numbers.max() ?? 0) - (numbers.min() ?? 0)
            sums = [Sums()]
            var sum = Sums()
            for cell in 0..<count {
                for place in cell * samples / count..<(cell + 1) * samples / count {
                    let (x, y) = ((Double(place) + 0.5) / Double(samples), (numbers[place] - mean) / spread)
                    sum.n += 1
                    sum.x += x
                    sum.xx += x * x
                    sum.y += y
                    sum.xy += x * y
                    yy += y * y
                }
                sums.append(sum)
            }
        }

        /// Returns the number of samples before a cell.
        func boundary(_ cell: Int) -> Int {
            cell * samples / count
        }

        private func time(_ cell: Int) -> Double {
            Double(boundary(cell)) / Double(samples)
        }

        /// Solves the normal equations of the hat functions, a symmetric tridiagonal system.
        func solution(_ knots: [Int]) -> Solution {
            var diagonal = [Double](repeating: 0, count: knots.count)
            var upper = diagonal
            var right = diagonal
            for place in 1..<knots.count {
                let (a, b) = (sums[knots[place - 1]], sums[knots[place]])
                let (p, q) = (time(knots[place - 1]), time(knots[place]))
                let (n, x, xx, y, xy) = (b.n - a.n, b.x - a.x, b.xx - a.xx, b.y - a.y, b.xy - a.xy)
                let square = (q - p) * (q - p)
                diagonal[place - 1] += (q * q * n - 2 * q * x + xx) / square
                diagonal[place] += (p * p * n - 2 * p * x + xx) / square
                upper[place] = ((p + q) * x - p * q * n - xx) / square
                right[place - 1] += (q * y - xy) / (q - p)
                right[place] += (xy - p * y) / (q - p)
            }
            var values = right
            for place in 1..<knots.count {
                let factor = upper[place] / diagonal[place - 1]
                diagonal[place] -= factor * upper[place]
                values[place] -= factor * values[place - 1]
            }
            values[knots.count - 1] /= diagonal[knots.count - 1]
            for place in (0..<knots.count - 1).reversed() {
                values[place] = (values[place] - upper[place + 1] * values[place + 1]) / diagonal[place]
            }
            let explained = zip(values, right).reduce(0) { $0 + $1.0 * $1.1 }
            return Solution(knots: knots, values: values, error: max(yy - explained, 1e-14 * Double(samples)))
        }

        /// Returns the best solution with one more knot, all inner knots moved to their best places; nil without
        /// room for one more.
        func refined(_ solution: Solution, fewest: Int) -> Solution? {
            let inserted = (1..<solution.knots.count).flatMap { place in
                stride(
                    from: solution.knots[place - 1] + fewest, through: solution.knots[place] - fewest, by: 1
                ).map { knot in solution.knots[..<place] + [knot] + solution.knots[place...] }
            }
            guard var best = inserted.map({ self.solution(Array($0)) }).min(by: { $0.error < $1.error }) else {
                return nil
            }
            var hasMoved = true
            while hasMoved {
                hasMoved = false
                for place in 1..<best.knots.count - 1 {
                    for knot in best.knots[place - 1] + fewest..<best.knots[place + 1] - fewest + 1 {
                        var knots = best.knots
                        knots[place] = knot
                        let moved = self.solution(knots)
                        if moved.error < best.error * (1 - 1e-9) { (best, hasMoved) = (moved, true) }
                    }
                }
            }
            return best
        }
    }
}
