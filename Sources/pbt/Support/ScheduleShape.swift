// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// The options that smooth a schedule and stretch it.
struct ScheduleShape: ParsableArguments {
    /// A number of knots, or `auto`.
    struct Knots: ExpressibleByArgument, Equatable {
        /// The number; nil for `auto`.
        let count: Int?

        init?(argument: String) {
            if argument == "auto" {
                count = nil
            } else if let number = Int(argument), (2...33).contains(number) {
                count = number
            } else {
                return nil
            }
        }

        static var allValueStrings: [String] { ["auto", "2", "3", "4", "5", "6"] }
    }

    /// A direction, or `auto`.
    struct Monotone: ExpressibleByArgument, Equatable {
        /// The direction; nil for `auto`.
        let direction: Schedule.Direction?

        init?(argument: String) {
            direction = Schedule.Direction(rawValue: argument)
            if direction == nil, argument != "auto" { return nil }
        }

        static var allValueStrings: [String] { ["auto"] + Schedule.Direction.allCases.map(\.rawValue) }
    }

    @Option(
        help: ArgumentHelp(
            "Smooth real hyperparameters: a piecewise linear fit with 2 to 33 knots, on the scale of their distribution; auto: as many as the data support, at most 6.",
            valueName: "knots"))
    var smooth: Knots?
    @Option(
        help: ArgumentHelp(
            "Make real hyperparameters monotone (isotonic regression): auto, increasing or decreasing.",
            valueName: "direction"))
    var monotone: Monotone?
    @Option(
        help: ArgumentHelp(
            "Stretch the schedule by this factor: 4, 2.5 or 5/2.", valueName: "factor"))
    var scale: String?
    @Option(help: ArgumentHelp("Stretch the schedule to this number of intervals.", valueName: "n"))
    var intervals: Int?

    func validate() throws {
        if smooth != nil, monotone != nil { throw ValidationError("--smooth and --monotone exclude each other") }
        if scale != nil, intervals != nil { throw ValidationError("--scale and --intervals exclude each other") }
        if let scale, Ratio(scale) == nil {
            throw ValidationError("--scale must be a number above 0 such as 4, 2.5 or 5/2, not \"\(scale)\"")
        }
        if let intervals, !(1...Self.mostIntervals).contains(intervals) {
            throw ValidationError("--intervals must be between 1 and \(Self.mostIntervals), not \(intervals)")
        }
    }

    /// The greatest number of intervals of an experiment.
    static let mostIntervals = 1_000_000

    /// The fit, if any.
    var fit: Schedule.Fit? {
        if let smooth { return .knots(smooth.count) }
        return monotone.map { .monotone($0.direction) }
    }

    /// True if the schedule is that of the lineage.
    var isPlain: Bool {
        fit == nil && scale == nil && intervals == nil
    }

    /// Returns the schedule of a lineage, fitted.
    func schedule(of lineage: [Interval], in experiment: Experiment) -> Schedule {
        let schedule = Schedule(lineage.map(\.hyperparameters), of: experiment.space)
        return fit.map(schedule.fitted) ?? schedule
    }

    /// Returns the length of the training, in parts of an interval.
    ///
    /// - Parameters:
    ///   - schedule: The schedule.
    ///   - parts: The parts of an interval, such as steps; at least 1.
    ///   - most: The greatest length.
    /// - Returns: The length, at least 1.
    /// - Throws: A `Failure` if it is greater.
    func length(of schedule: Schedule, parts: Int = 1, atMost most: Int = Self.mostIntervals) throws -> Int {
        let (own, overflows) = (intervals ?? schedule.length).multipliedReportingOverflow(by: parts)
        let length = overflows ? nil : scale.flatMap(Ratio.init).map { $0.times(own, atMost: most) } ?? own
        guard let length, length <= most else {
            throw Failure(
                .usage, "the training would be too long: at most \(most) \(parts == 1 ? "intervals" : "steps")")
        }
        return length
    }

    /// A description: `smoothed, 4 times as long`; empty for the schedule of the lineage.
    var text: String {
        var parts: [String] = []
        if let smooth { parts.append(smooth.count.map { "smoothed with \($0) knots" } ?? "smoothed") }
        if let monotone { parts.append(monotone.direction.map { "monotonically \($0.rawValue)" } ?? "monotone") }
        if let scale = scale.flatMap(Ratio.init) { parts.append("\(scale) times as long") }
        if let intervals { parts.append("stretched to \(Words.count(intervals, "interval"))") }
        return parts.joined(separator: ", ")
    }
}
