// SPDX-License-Identifier: Apache-2.0

/// The limits of all numbers, lists, and names that come from outside.
///
/// The reader of definitions enforces those of an experiment, whether it comes from a file, the API, or Swift; the
/// readers of rows and messages enforce the others. No arithmetic on values within the limits overflows.
package enum Limits {
    // MARK: Definitions

    /// Members of an experiment.
    package static let members = 1_000_000
    /// The maximum number of intervals of one claim; an open search could otherwise create any number of founders.
    package static let claimed = 1000
    /// Hyperparameters of a space.
    package static let dimensions = 10_000
    /// Values of a choice.
    package static let choices = 10_000
    /// The length of an array of hyperparameters.
    package static let arrayLength = 1...1000
    /// Constraints of a space.
    package static let constraints = 1_000
    /// Bytes of a constraint.
    package static let constraintBytes = 1_000
    /// Draws of a founder's hyperparameters that may violate a constraint; then creating the experiment fails.
    package static let attempts = 10_000
    /// Draws of explored hyperparameters that may violate a constraint; then the donor's values are kept.
    package static let exploreAttempts = 100
    /// Factors of an explore rule.
    package static let factors = 1_000
    /// Sub-populations of an exploit rule.
    package static let subPopulations = 2...100
    /// The number of elites.
    package static let elites = 1...100
    /// Intervals between two exchanges of a sub-population.
    package static let every = 1...1_000_000
    /// Each factor.
    package static let factor = 1e-6...1e6
    /// Each step, as a share of the range.
    package static let step = 1e-6...1
    /// The weight of a choice's value.
    package static let weight = 0...1e100
    /// The magnitude of a real hyperparameter: beyond it, products and differences overflow.
    package static let magnitude = 1e300
    /// A real hyperparameter on a logarithmic scale: below, numbers lose their digits.
    package static let logarithmic = 1e-300...1e300
    /// The greatest number of a `reverse_log_uniform`: above, the distance to 1 loses its digits.
    package static let reverseLogarithmic = 1 - 1e-12
    /// The mean of a `log_normal`: the natural logarithm of ``logarithmic``.
    package static let logMean = -690.0...690
    /// The standard deviation of a `log_normal`.
    package static let logDeviation = 100.0
    /// The maximum ratio of the largest magnitude to a quantum: numbers cannot represent finer steps.
    package static let quanta = 0x1p50
    /// Checkpoints kept, of the best and of each member's last.
    package static let kept = 1...1_000_000
    /// Timeouts, grace, deadlines, `stop: after`, and `--schedy-timeout`: 100 years.
    package static let duration = Duration.seconds(36_500 * 86_400)
    /// Devices of a trainer.
    package static let devices = 4096
    /// Parts of a command.
    package static let arguments = 4096
    /// Environment variables of a trainer.
    package static let variables = 4096
    /// Bytes of one part of a command: the limit of Linux.
    package static let argumentBytes = 131_071
    /// Bytes of a path.
    package static let pathBytes = 4096
    /// Bytes of the names of devices, strategies, and the objective's metric.
    package static let nameBytes = 256

    // MARK: Values

    /// The maximum nesting of lists and objects in a hyperparameter or a metric; less than the JSON parser's, so that
    /// messages that contain it can be read too.
    package static let depth = 64
    /// Metrics of an interval, or hyperparameters given by hand.
    package static let values = 10_000
    /// Bytes of the name of a metric or of a free hyperparameter.
    package static let valueNameBytes = 1024

    // MARK: Rows and messages

    /// Numbers of members and intervals, attempts, failures.
    package static let ordinals = 0...1_000_000
    /// Intervals of training that a checkpoint contains.
    package static let depths = 0...100_000_000
    /// Places in an order, numbers of events, and counters: integers that every JSON reader represents exactly.
    package static let counters = 0...(1 << 53)
    /// Points in time, in milliseconds since 1970.
    package static let times = -(1 << 53)...(1 << 53)
    /// Terms of leases, in seconds.
    package static let term = 1...86400
    /// Times that a request may wait for work or events, in seconds.
    package static let wait = 0...60
    /// Items of one page of a list.
    package static let page = 1...1000
    /// Characters of a claim's key.
    package static let claimKey = 22...128
    /// Bytes of an experiment's name.
    package static let experimentNameBytes = 128

    /// Returns the problem of values as metrics or hyperparameters, as a clause; nil if they are within limits.
    ///
    /// - Parameters:
    ///   - values: Names and values.
    ///   - kind: The plural of their kind: `metrics`.
    /// - Returns: A clause such as `there are 10001 metrics; at most 10000 are allowed`, or nil.
    package static func complaint(about values: [String: Value], _ kind: String) -> String? {
        guard values.count <= self.values else {
            return "there are \(values.count) \(kind); at most \(self.values) are allowed"
        }
        for (name, value) in values {
            guard name.utf8.count <= valueNameBytes else {
                return "the \(kind) have a name of \(name.utf8.count) bytes; at most \(valueNameBytes) are allowed"
            }
            guard value.isNested(within: depth) else {
                return "the \(kind): \"\(name)\" is nested deeper than \(depth)"
            }
        }
        return nil
    }
}

extension ClosedRange<Int> {
    /// The same bounds as floating-point numbers.
    package var doubles: ClosedRange<Double> { Double(lowerBound)...Double(upperBound) }
}

extension Value {
    /// Returns true if lists and objects are nested at most to a depth.
    package func isNested(within depth: Int) -> Bool {
        switch self {
        case .array(let array): depth > 0 && array.allSatisfy { $0.isNested(within: depth - 1) }
        case .object(let object): depth > 0 && object.values.allSatisfy { $0.isNested(within: depth - 1) }
        default: true
        }
    }
}
