// SPDX-License-Identifier: Apache-2.0

/// The bounds of every number, list, and name that comes in from outside, in one place.
///
/// The reader of definitions enforces those of an experiment for files, the API, and Swift alike; the readers of rows
/// and of messages enforce the others. What lies within them overflows nowhere.
package enum Limits {
    // MARK: Definitions

    /// Members of an experiment, however they come.
    package static let members = 1_000_000
    /// The most intervals that one claim gets: a search that samples its founders has one for each that is asked for.
    package static let claimed = 1000
    /// Hyperparameters of a space.
    package static let dimensions = 10_000
    /// Values of a choice.
    package static let choices = 10_000
    /// Factors of an explore rule.
    package static let factors = 1_000
    /// Each factor.
    package static let factor = 1e-6...1e6
    /// The weight of a choice's value.
    package static let weight = 0...1e100
    /// The magnitude of a real hyperparameter: beyond it, products and differences overflow.
    package static let magnitude = 1e300
    /// A real hyperparameter on a logarithmic scale: below, numbers lose their digits.
    package static let logarithmic = 1e-300...1e300
    /// The mean of a `log_normal`: the natural logarithm of ``logarithmic``.
    package static let logMean = -690.0...690
    /// The standard deviation of a `log_normal`.
    package static let logDeviation = 100.0
    /// How many of its steps a quantum may fit into the greatest magnitude: numbers tell no more apart.
    package static let quanta = 0x1p50
    /// Checkpoints kept, of the best and of each member's last.
    package static let kept = 1...1_000_000
    /// Timeouts, grace, deadlines, `stop: after`, `--schedy-timeout`: 100 years.
    package static let duration = Duration.seconds(36_500 * 86_400)
    /// Devices of a trainer.
    package static let devices = 4096
    /// Parts of a command.
    package static let arguments = 4096
    /// Environment variables of a trainer.
    package static let variables = 4096
    /// Bytes of one part of a command: what Linux passes to a program.
    package static let argumentBytes = 131_071
    /// Bytes of a path.
    package static let pathBytes = 4096
    /// Bytes of the names of devices, strategies, and the objective's metric.
    package static let nameBytes = 256

    // MARK: Values

    /// How deep lists and objects may be nested in a hyperparameter or a metric, so that what wraps it can be read too.
    package static let depth = 64
    /// Metrics of an interval, or hyperparameters given by hand.
    package static let values = 10_000
    /// Bytes of the name of a metric or of a free hyperparameter.
    package static let valueNameBytes = 1024

    // MARK: Rows and messages

    /// Numbers of members and intervals, attempts, failures.
    package static let ordinals = 0...1_000_000
    /// How many intervals of training a checkpoint holds.
    package static let depths = 0...100_000_000
    /// Places in an order, numbers of events, counters: what JSON's readers hold exactly.
    package static let counters = 0...(1 << 53)
    /// Points in time, in milliseconds since 1970.
    package static let times = -(1 << 53)...(1 << 53)
    /// Seconds that a lease lasts unless it is renewed.
    package static let term = 1...86400
    /// Seconds that a request may wait for work or events.
    package static let wait = 0...60
    /// Items of one page of a list.
    package static let page = 1...1000
    /// Characters of a claim's key.
    package static let claimKey = 22...128
    /// Bytes of an experiment's name.
    package static let experimentNameBytes = 128

    /// Why values cannot be kept as metrics or hyperparameters, as a clause; none when they can.
    ///
    /// - Parameters:
    ///   - values: Names and values.
    ///   - kind: What they are, in the plural: `metrics`.
    /// - Returns: `has 10001 metrics; at most 10000 are kept`, or nothing.
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
    /// The same bounds for numbers that need not be whole.
    package var doubles: ClosedRange<Double> { Double(lowerBound)...Double(upperBound) }
}

extension Value {
    /// Whether lists and objects are nested at most so many deep.
    package func isNested(within depth: Int) -> Bool {
        switch self {
        case .array(let array): depth > 0 && array.allSatisfy { $0.isNested(within: depth - 1) }
        case .object(let object): depth > 0 && object.values.allSatisfy { $0.isNested(within: depth - 1) }
        default: true
        }
    }
}
