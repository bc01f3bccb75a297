// SPDX-License-Identifier: Apache-2.0

/// One evaluation of an interval's checkpoint after its training, with a seed of its own.
public struct Evaluation: Sendable, Hashable {
    /// The number of the evaluation of this checkpoint, from 0.
    public var number: Int
    /// The score; nil if the evaluation failed, or if the score is not finite.
    public var score: Double?
    /// All metrics that the program reported.
    public var metrics: [String: Value]
    /// The reason of a failure.
    public var reason: String?

    /// Creates an evaluation.
    public init(number: Int, score: Double?, metrics: [String: Value] = [:], reason: String? = nil) {
        self.number = number
        self.score = score
        self.metrics = metrics
        self.reason = reason
    }

    /// The evaluation as a JSON object with `number`, `score`, `metrics`, and `reason`.
    package var value: Value {
        var object: [String: Value] = ["number": .integer(number), "score": .null]
        if let score { object["score"] = .number(score) }
        if !metrics.isEmpty { object["metrics"] = .object(metrics.mapValues(\.finite)) }
        object["reason"] = reason.map { .string($0) }
        return .object(object)
    }

    /// Reads a JSON object; nil for anything else.
    package init?(value: Value) {
        guard let object = value.object, let number = object["number"]?.int, (0..<Self.most).contains(number) else {
            return nil
        }
        let score = object["score"]?.double.flatMap { $0.isFinite ? $0 : nil }
        self.init(
            number: number, score: score, metrics: object["metrics"]?.object ?? [:],
            reason: object["reason"]?.string)
    }

    /// The maximum number of evaluations of a checkpoint.
    package static let most = 1000
}

extension Interval {
    /// The evaluations of its checkpoint, by number.
    public var evaluations: [Evaluation] {
        guard !notes.isEmpty, let list = notes["evaluations"]?.array else { return [] }
        return list.compactMap { Evaluation(value: $0) }
    }

    /// Records the evaluations of its checkpoint.
    package mutating func setEvaluations(_ evaluations: [Evaluation]) {
        notes["evaluations"] =
            evaluations.isEmpty ? nil : .array(evaluations.sorted { $0.number < $1.number }.map(\.value))
    }

    /// The mean and the spread of the scores of its evaluations; nil without any.
    public var evaluated: Evaluated? {
        Evaluated(evaluations.compactMap(\.score))
    }
}

/// The mean and the spread of repeated evaluations of a checkpoint.
public struct Evaluated: Sendable, Hashable {
    /// The number of evaluations that have a score; at least 1.
    public var count: Int
    /// The mean of the scores.
    public var mean: Double
    /// The sample standard deviation of the scores; nil for a single one.
    public var deviation: Double?

    /// Returns the mean and the spread of some scores; nil without any.
    package init?(_ scores: [Double]) {
        let finite = scores.filter(\.isFinite)
        guard !finite.isEmpty else { return nil }
        count = finite.count
        // Divided first: the sum of finite scores need not be finite.
        let share = 1 / Double(finite.count)
        mean = finite.reduce(0) { $0 + $1 * share }
        guard finite.count > 1 else { return }
        let center = mean
        deviation = (finite.reduce(0) { $0 + ($1 - center) * ($1 - center) / Double(finite.count - 1) }).squareRoot()
    }
}
