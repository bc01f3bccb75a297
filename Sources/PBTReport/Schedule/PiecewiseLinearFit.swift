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
    ///     criterion: n ln(RSS / n + d²) + (2 knots - 2) ln n, since inner knots have a place and a value. The noise d is
    ///     half of the median change: a search moves by steps, and what is smaller than half of one has no meaning.
    init(_ numbers: [Double], knots: Int?) {
        let count = numbers.count
        let cells = Cells(numbers, count: min(count, Self.mostCells))
        let most = 1 + cells.count / Self.fewestCells
        let wanted = knots.map { min(max($0, 2), most) } ?? min(Self.mostChosen, max(2, min(most, 1 + count / 4)))
        let noise = 0.5 * Self.medianChange(numbers) / cells.spread
        var current = [0, cells.count]
        var best = current
        var lowest = Self.criterion(cells.error(current), current.count, count, noise: noise)
        while current.count < wanted, let next = cells.refined(current, fewest: Self.fewestCells) {
            current = next
            let criterion = Self.criterion(cells.error(current), current.count, count, noise: noise)
            if knots != nil || criterion < lowest { (best, lowest) = (current, criterion) }
        }
        places = best.map { cells.boundary($0) }
        values = cells.values(best).map { $0 * cells.spread + cells.mean }
    }

    private static func criterion(_ error: Double, _ knots: Int, _ count: Int, noise: Double) -> Double {
        let n = Double(count)
        return n * Mathematics.log(error / n + noise * noise) + Double(2 * knots - 2) * Mathematics.log(n)
    }

    /// Returns the median of the distances between neighbors that differ; 0 if none does.
    private static func medianChange(_ numbers: [Double]) -> Double {
        let changes = zip(numbers, numbers.dropFirst()).map { ($1 - $0).magnitude }.filter { $0 > 0 }.sorted()
        return changes.isEmpty ? 0 : changes[changes.count / 2]
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

        /// The part of the normal equations of the hat functions, a symmetric tridiagonal system, that the samples
        /// between two knots contribute.
        private struct Part {
            /// The coefficients of the left knot, of the right one, and of both.
            let left: Double
            let right: Double
            let both: Double
            /// The right sides of the equations of the left and the right knot.
            let leftSide: Double
            let rightSide: Double
        }

        private func part(_ first: Int, _ last: Int) -> Part {
            let (a, b) = (sums[first], sums[last])
            let (p, q) = (time(first), time(last))
            let (n, x, xx, y, xy) = (b.n - a.n, b.x - a.x, b.xx - a.xx, b.y - a.y, b.xy - a.xy)
            let square = (q - p) * (q - p)
            return Part(
                left: (q * q * n - 2 * q * x + xx) / square, right: (p * p * n - 2 * p * x + xx) / square,
                both: ((p + q) * x - p * q * n - xx) / square, leftSide: (q * y - xy) / (q - p),
                rightSide: (xy - p * y) / (q - p))
        }

        /// Returns the least sum of squared distances for knots at some cell boundaries, in units of the samples' range
        /// squared; never below rounding errors.
        func error(_ knots: [Int]) -> Double {
            var (diagonal, side, explained) = (0.0, 0.0, 0.0)
            for place in 1..<knots.count {
                let part = part(knots[place - 1], knots[place])
                diagonal += part.left
                side += part.leftSide
                explained += side * side / diagonal
                let factor = part.both / diagonal
                (diagonal, side) = (part.right - factor * part.both, part.rightSide - factor * side)
            }
            explained += side * side / diagonal
            return max(yy - explained, 1e-14 * Double(samples))
        }

        /// Returns the values at knots with the least sum of squared distances.
        func values(_ knots: [Int]) -> [Double] {
            var rows = [(diagonal: 0.0, both: 0.0, side: 0.0)]
            for place in 1..<knots.count {
                let part = part(knots[place - 1], knots[place])
                rows[place - 1].diagonal += part.left
                rows[place - 1].side += part.leftSide
                rows[place - 1].both = part.both
                let factor = part.both / rows[place - 1].diagonal
                rows.append(
                    (part.right - factor * part.both, 0, part.rightSide - factor * rows[place - 1].side))
            }
            var values = rows.map { $0.side / $0.diagonal }
            for place in (0..<knots.count - 1).reversed() {
                values[place] -= rows[place].both / rows[place].diagonal * values[place + 1]
            }
            return values
        }

        /// Returns the best places for one more knot, all inner knots moved to where they help most; nil without room for
        /// one more.
        func refined(_ knots: [Int], fewest: Int) -> [Int]? {
            var knots = knots
            var inserted: (place: Int, knot: Int, error: Double)?
            for place in 1..<knots.count where knots[place] - knots[place - 1] >= 2 * fewest {
                knots.insert(0, at: place)
                for knot in knots[place - 1] + fewest...knots[place + 1] - fewest {
                    knots[place] = knot
                    let error = error(knots)
                    if error < inserted?.error ?? .infinity { inserted = (place, knot, error) }
                }
                knots.remove(at: place)
            }
            guard let inserted else { return nil }
            knots.insert(inserted.knot, at: inserted.place)
            var least = inserted.error
            var hasMoved = true
            while hasMoved {
                hasMoved = false
                for place in 1..<knots.count - 1 {
                    var best = knots[place]
                    for knot in knots[place - 1] + fewest...knots[place + 1] - fewest {
                        knots[place] = knot
                        let error = error(knots)
                        // Each move is a gain of its own, so this ends.
                        if error < least * (1 - 1e-9) { (best, least, hasMoved) = (knot, error, true) }
                    }
                    knots[place] = best
                }
            }
            return knots
        }
    }
}
