// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTReport

/// The metrics and hyperparameters that other tools show over steps, with their names there.
package struct Quantities: Sendable {
    /// The kind of values that a quantity takes, over all intervals.
    package enum Kind: Sendable, Hashable {
        /// Numbers, or booleans and numbers.
        case number
        /// Booleans only.
        case truth
        /// Anything else: shown as text.
        case text
    }

    /// One metric or hyperparameter.
    package struct Quantity: Sendable, Hashable {
        /// The name in the experiment.
        package let name: String
        /// The name in other tools, which is unique.
        package let tag: String
        /// The kind of its values.
        package let kind: Kind
    }

    /// The metrics, by name; the objective's is always a number.
    package let metrics: [Quantity]
    /// The hyperparameters, in the order of the space.
    package let hyperparameters: [Quantity]
    /// The objective's metric; nil without an objective.
    package let objective: Quantity?

    /// Creates the quantities of some intervals.
    package init(_ history: History) {
        let experiment = history.record.experiment
        var metrics: [String: Kind] = [:]
        var hyperparameters: [String: Kind] = [:]
        for name in experiment.space.names { hyperparameters[name] = Kind(experiment.space[name]) }
        for interval in history.genealogy.intervals {
            for (name, value) in interval.metrics { Self.note(value, as: name, in: &metrics) }
            for (name, value) in interval.hyperparameters.values { Self.note(value, as: name, in: &hyperparameters) }
        }
        if experiment.objective.isDeclared { metrics[experiment.objective.metric] = .number }
        self.metrics = metrics.sorted { $0.key < $1.key }.map {
            Quantity(name: $0.key, tag: Self.metricTag($0.key), kind: $0.value)
        }
        self.hyperparameters = experiment.space.ordered(hyperparameters.keys).map {
            Quantity(name: $0, tag: "hyperparameters/\($0)", kind: hyperparameters[$0] ?? .number)
        }
        let metric = experiment.objective.metric
        objective =
            experiment.objective.isDeclared
            ? Quantity(name: metric, tag: Self.metricTag(metric), kind: .number) : nil
    }

    /// The reserved prefixes; a metric with such a name is prefixed with `metrics/`.
    private static let reserved = ["hyperparameters/", "metrics/", "pbt/", "_hparams_/"]

    private static func metricTag(_ name: String) -> String {
        name.isEmpty || reserved.contains { name.hasPrefix($0) } ? "metrics/\(name)" : name
    }

    private static func note(_ value: Value, as name: String, in kinds: inout [String: Kind]) {
        guard let kind = Kind(value) else { return }
        kinds[name] = kinds[name].map { $0.joined(kind) } ?? kind
    }

    /// Returns a metric of an interval as a number: NaN where the interval diverged, none where it is missing.
    package func number(_ metric: Quantity, of interval: Interval) -> Double? {
        guard metric.name == objective?.name else { return interval.metrics[metric.name]?.asNumber }
        switch interval.state {
        case .done: return interval.score
        case .diverged: return interval.score ?? .nan
        default: return nil
        }
    }
}

extension Quantities.Kind {
    /// Returns the kind of a value; none for null.
    init?(_ value: Value) {
        switch value {
        case .null: return nil
        case .bool: self = .truth
        case .integer, .number: self = .number
        case .string, .array, .object: self = .text
        }
    }

    /// Returns the kind of values that a dimension of a space takes; none when it takes any.
    init?(_ dimension: Dimension?) {
        switch dimension?.domain {
        case .real, .integer: self = .number
        case .boolean: self = .truth
        case .constant(let value):
            guard let kind = Self(value) else { return nil }
            self = kind
        case .choice(let choice):
            let kinds = choice.values.compactMap { Self($0) }
            guard let first = kinds.first else { return nil }
            self = kinds.reduce(first) { $0.joined($1) }
        case .free, nil: return nil
        }
    }

    /// Returns the kind that includes the values of both.
    func joined(_ other: Self) -> Self {
        if self == other { return self }
        return self == .text || other == .text ? .text : .number
    }
}

extension Value {
    /// The number, or 0 and 1 for a boolean; none for anything else.
    package var asNumber: Double? {
        bool.map { $0 ? 1 : 0 } ?? double
    }

    /// A string verbatim, anything else as JSON; none for null.
    package var asText: String? {
        self == .null ? nil : string ?? json
    }
}
