// SPDX-License-Identifier: Apache-2.0

public import PBT

/// The hyperparameters of a training over time: those of a lineage, as they were, smoothed, or stretched.
///
/// Time is measured in the intervals that the schedule was found in, from 0 to ``length``.
public struct Schedule: Sendable, Hashable {
    /// A simplification of a schedule.
    ///
    /// It changes real hyperparameters, on the scale of their distribution. Integers, categories and booleans, those
    /// in a constraint, and what some intervals lack, stay as they are.
    public enum Fit: Sendable, Hashable {
        /// The continuous piecewise linear function with the least squared error.
        ///
        /// The number of knots is at least 2; nil for the one with the lowest Bayesian information criterion.
        /// Hyperparameters with a grid stay as they are.
        case knots(Int?)
        /// The monotone function with the least squared error (isotonic regression), which has steps. Hyperparameters
        /// with a grid take part.
        ///
        /// The direction is that of the smaller error for nil.
        case monotone(Direction?)
    }

    /// The direction of a monotone function.
    public enum Direction: String, Sendable, Hashable, CaseIterable {
        case increasing, decreasing
    }

    /// A hyperparameter over time.
    package enum Curve: Sendable, Hashable {
        /// Values that last until the next one.
        case steps([Step])
        /// Straight lines between knots, on a scale. The first knot is at 0, the last at the schedule's length.
        case line([Knot], on: Dimension.Scale)
    }

    /// A value, and the first interval that has it.
    package struct Step: Sendable, Hashable {
        package let start: Int
        /// The value; nil where the hyperparameter is missing.
        package let value: Value?
    }

    /// A point of a piecewise linear function.
    package struct Knot: Sendable, Hashable {
        /// The number of intervals before it.
        package let place: Int
        package let value: Double
    }

    /// The number of intervals that it was found in.
    public let length: Int
    /// The space of the hyperparameters.
    public let space: SearchSpace
    /// The names of the hyperparameters, in the order of the space.
    public let names: [String]
    /// The hyperparameters over time, by name.
    package private(set) var curves: [String: Curve]

    /// Creates the schedule of some intervals.
    ///
    /// - Parameters:
    ///   - intervals: The hyperparameters of each interval; at least one, at most a million.
    ///   - space: The space that they are from.
    public init(_ intervals: [Hyperparameters], of space: SearchSpace) {
        precondition(!intervals.isEmpty, "a schedule has at least one interval")
        length = intervals.count
        self.space = space
        var found: Set<String> = []
        for interval in intervals { found.formUnion(interval.values.keys) }
        names = space.ordered(found)
        curves = [:]
        for name in names { curves[name] = .steps(Self.steps(intervals.map { $0[name] })) }
    }

    /// The names and lengths of arrays whose elements all are in the schedule, in its order.
    package var arrays: [(name: String, length: Int)] {
        space.definedNames.compactMap { name in
            guard let length = space.arrays[name] else { return nil }
            let isWhole = (0..<length).allSatisfy { curves[SearchSpace.elementName(name, $0)] != nil }
            return isWhole ? (name, length) : nil
        }
    }

    /// Returns the values of intervals as steps, one for each stretch of equal values.
    private static func steps(_ values: [Value?]) -> [Step] {
        var steps: [Step] = []
        for (place, value) in values.enumerated() where steps.last.map({ $0.value != value }) ?? true {
            steps.append(Step(start: place, value: value))
        }
        return steps
    }

    /// Returns the schedule as a simpler function of time.
    ///
    /// The values stay within their bounds, or the range of the schedule where that is wider, and on their grids.
    ///
    /// - Parameter fit: The kind of function.
    /// - Returns: The schedule of the same length.
    public func fitted(_ fit: Fit) -> Self {
        var result = self
        let constrained = Set(space.constraints.flatMap(\.names))
        for name in names where !constrained.contains(name) {
            guard case .real(let real) = space[name]?.domain, let samples = ScaledSamples(values(of: name), of: real)
            else { continue }
            switch fit {
            case .knots(let count):
                guard real.quantum == nil else { continue }
                result.curves[name] = .line(samples.knots(count), on: real.explorationScale)
            case .monotone(let direction):
                result.curves[name] = .steps(Self.steps(samples.monotone(direction).map { .number($0) }))
            }
        }
        return result
    }

    /// Returns the value of a hyperparameter in each interval.
    private func values(of name: String) -> [Value?] {
        intervals(length).map { $0[name] }
    }

    /// Returns the hyperparameters of each interval of a training of another length; ``length`` returns those of the
    /// schedule itself.
    ///
    /// An interval has the values of its middle.
    ///
    /// - Parameter count: The number of intervals, from 1 to a million.
    /// - Returns: As many hyperparameters.
    public func intervals(_ count: Int) -> [Hyperparameters] {
        precondition((1...1_000_000).contains(count), "a training has 1 to a million intervals")
        var result = [Hyperparameters](repeating: [:], count: count)
        for (name, curve) in curves {
            switch curve {
            case .steps(let steps):
                for (place, step) in steps.enumerated() {
                    let end = place + 1 < steps.count ? steps[place + 1].start : length
                    for interval in moment(step.start, of: count)..<moment(end, of: count) {
                        result[interval][name] = step.value
                    }
                }
            case .line(let knots, let scale):
                var place = 1
                for interval in result.indices {
                    let time = (Double(interval) + 0.5) / Double(count) * Double(length)
                    while place + 1 < knots.count, Double(knots[place].place) <= time { place += 1 }
                    result[interval][name] = .number(
                        Self.value(at: time, from: knots[place - 1], to: knots[place], on: scale))
                }
            }
        }
        return result
    }

    /// Returns a value between two knots; never beyond them, whatever the rounding.
    private static func value(at time: Double, from a: Knot, to b: Knot, on scale: Dimension.Scale) -> Double {
        let part = min(max((time - Double(a.place)) / Double(b.place - a.place), 0), 1)
        let value = scale.number(
            at: scale.position(of: a.value) * (1 - part) + scale.position(of: b.value) * part)
        return min(max(value, min(a.value, b.value)), max(a.value, b.value))
    }

    /// Returns the first unit of a training, given their number, whose middle is at or after the start of an interval.
    ///
    /// This is exact: the units of all intervals add up to the count, and 0 and ``length`` give 0 and the count.
    ///
    /// - Parameters:
    ///   - interval: The interval, from 0 to ``length``.
    ///   - count: The number of units; at most 10^12.
    /// - Returns: The unit, from 0 to the count.
    package func moment(_ interval: Int, of count: Int) -> Int {
        Self.moment(interval, of: count, length: length)
    }

    /// ``moment(_:of:)`` for a schedule of some length.
    package static func moment(_ interval: Int, of count: Int, length: Int) -> Int {
        (2 * count * interval + length - 1) / (2 * length)
    }
}
